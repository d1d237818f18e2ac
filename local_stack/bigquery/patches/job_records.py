"""What local-bigquery keeps of jobs, in fewer writes. Runs in the warehouse's environment, as the server does.

Belongs here: which states of a job get a row, and how. Does not belong here: running jobs, and what they result in
(query_results). Each row is a commit to disk, for which somebody waits.
"""

import json
from typing import Any


def install() -> None:
    """Put it in place; before the server starts."""
    _make_no_jobs_of_statements()
    _write_a_row_and_then_its_end()


def _make_no_jobs_of_statements() -> None:
    """A script is one job: that of each of its statements would be one more commit to disk, and nobody reads it."""
    from local_bigquery.jobs import query

    execute = query.execute

    def execute_as_one(*args: Any, **options: Any) -> tuple[Any, list[Any], Any]:
        statistics, _statements, destination = execute(*args, **options)
        return statistics, [], destination

    query.execute = execute_as_one


def _write_a_row_and_then_its_end() -> None:
    """DuckDB takes twice as long to replace a row, or to find that there is none to replace.

    That a job is RUNNING is true only as long as the server lives: no commit to disk for that.
    """
    import duckdb
    from local_bigquery.engine import database
    from local_bigquery.errors import already_exists
    from local_bigquery.jobs import store

    save, load = store.save, store.load
    running: dict[tuple[str, str], Any] = {}

    def insert(job: Any) -> None:
        project_id, job_id = _key(job)
        statistics = job.statistics
        row = [statistics.parentJobId, job.status.state, int(statistics.creationTime), json.dumps(job.dump())]
        try:
            # One after the other: of two at once the later fails as it commits, by an error that does not tell why.
            with database.writing("emulator", "jobs"):
                database.execute("insert into emulator.jobs values (?, ?, ?, ?, ?, ?)", [project_id, job_id, *row])
        except duckdb.ConstraintException:
            raise already_exists("Job", f"{project_id}:{job_id}") from None

    def end(job: Any) -> None:
        update = "update emulator.jobs set state = ?, resource = ? where project_id = ? and job_id = ?"
        [(updated,)] = database.fetch(update, [job.status.state, json.dumps(job.dump()), *_key(job)])
        if not updated:
            save(job)
        running.pop(_key(job), None)

    def save_by_state(job: Any) -> Any:
        match job.status.state:
            case "PENDING":
                insert(job)
            case "RUNNING":
                running[_key(job)] = job
            case _:
                end(job)
        return job

    def load_running(project_id: str, job_id: str) -> Any:
        return running.get((project_id, job_id)) or load(project_id, job_id)

    store.save, store.load = save_by_state, load_running


def _key(job: Any) -> tuple[str, str]:
    return job.jobReference.projectId, job.jobReference.jobId
