"""What is kept of a job, in fewer writes. Runs in the warehouse's environment, as the server does.

Belongs here: which states of a job get a row, and how. Does not belong here: running jobs.
Each row is a commit to disk, for which somebody waits. DuckDB takes twice as long to replace a row, or to find that
there is none to replace, as to write one; and that a job is RUNNING is true only as long as the server lives.

Without it the server's CPU time is
+53 % for a small batch, +1 % for a large one, +5 % for a dbt build
(`make bench-patches`).
"""

import json
from typing import Any

REPLACES = {
    "local_bigquery.jobs.store:save": "6625157d08cc",
    "local_bigquery.jobs.store:load": "1774f3aa3970",
}


def install() -> None:
    """Put it in place; before the server starts."""
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
