"""What local-bigquery keeps of jobs, in fewer writes. Runs in the warehouse's environment, as bigquery_server.py.

Belongs here: which states of a job get a row, and how. Does not belong here: running jobs, and what they result in
(bigquery_results.py). Each row is a commit to disk, for which somebody waits.
"""

import json
from typing import Any


def install() -> None:
    """Put it in place; before the server starts."""
    _make_no_jobs_of_statements()
    _write_a_row_and_then_its_end()
    _keep_no_states_in_between()


def _make_no_jobs_of_statements() -> None:
    """A script is one job: that of each of its statements would be one more commit to disk, and nobody reads it."""
    from local_bigquery.jobs import query

    execute = query.execute

    def execute_as_one(*args: Any, **options: Any) -> tuple[Any, list[Any], Any]:
        statistics, _statements, destination = execute(*args, **options)
        return statistics, [], destination

    query.execute = execute_as_one


def _write_a_row_and_then_its_end() -> None:
    """DuckDB takes twice as long to replace a row, or to find that there is none to replace."""
    import duckdb
    from local_bigquery.engine import database
    from local_bigquery.errors import already_exists
    from local_bigquery.jobs import store

    save = store.save

    def save_quickly(job: Any) -> Any:
        project_id, job_id, state = job.jobReference.projectId, job.jobReference.jobId, job.status.state
        resource = json.dumps(job.dump())
        if state == "PENDING":
            row = [project_id, job_id, job.statistics.parentJobId, state, int(job.statistics.creationTime), resource]
            try:
                database.execute("insert into emulator.jobs values (?, ?, ?, ?, ?, ?)", row)
            except duckdb.ConstraintException:
                raise already_exists("Job", f"{project_id}:{job_id}") from None
            return job
        update = "update emulator.jobs set state = ?, resource = ? where project_id = ? and job_id = ?"
        [(updated,)] = database.fetch(update, [state, resource, project_id, job_id])
        return job if updated else save(job)

    store.save = save_quickly


def _keep_no_states_in_between() -> None:
    """That a job is RUNNING is true only as long as the server lives: no commit to disk for that."""
    from local_bigquery.jobs import store

    save, load = store.save, store.load
    running: dict[tuple[str, str], Any] = {}

    def save_ends(job: Any) -> Any:
        key = (job.jobReference.projectId, job.jobReference.jobId)
        if job.status.state == "RUNNING":
            running[key] = job
            return job
        saved = save(job)
        running.pop(key, None)
        return saved

    def load_running(project_id: str, job_id: str) -> Any:
        return running.get((project_id, job_id)) or load(project_id, job_id)

    store.save, store.load = save_ends, load_running
