"""What Dagster, dbt and our own processes write of each run is deleted with time.

Belongs here: run records with their events, checks and logs; dbt's files of a run; logs that grow. Does not belong
here: the warehouse's own files (local_stack.bigquery.maintenance), checkpoints (spark_jobs.driver).
"""

import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.automation.events_without_a_run import delete_events_without_a_run
from orchestration.automation.run_records import ENDED
from orchestration.settings import DBT_PROJECT_DIR, StackSettings

MOST_LOG_BYTES = 64 * 2**20
KEPT_LOG_BYTES = 8 * 2**20
_RUNS_AT_ONCE = 100
_DBT_OUTPUTS = {"compiled", "run", "graph"}
"""Folders of dbt's target that are none of a run's own."""


@dg.op(description="Delete runs that ended long ago, with all that was written of them, and cut logs that grow.")
def delete_what_is_old(context: dg.OpExecutionContext, settings: dg.ResourceParam[StackSettings]) -> None:
    """How much is kept is a setting."""
    before = datetime.now(UTC) - timedelta(days=settings.keep_runs_days)
    runs = delete_runs(context.instance, before)
    events = delete_events_without_a_run(context.instance, before)
    folders = delete_dbt_folders(DBT_PROJECT_DIR / "target", before)
    logs = [*settings.home.glob("logs/*.log"), *DBT_PROJECT_DIR.glob("logs/*.log")]
    cut = [log.name for log in logs if cut_log(log, MOST_LOG_BYTES, KEPT_LOG_BYTES)]
    context.log.info(
        f"{runs} runs, {events} events of none and {folders} folders of dbt deleted; "
        f"logs cut: {', '.join(cut) or 'none'}."
    )


def delete_runs(instance: dg.DagsterInstance, before: datetime) -> int:
    """Runs that ended before then, but for the newest of each job: sensors ask what was done last."""
    kept: set[str] = set()
    deleted, is_more = 0, True
    while is_more:
        filters = dg.RunsFilter(statuses=ENDED, updated_before=before)
        old = instance.get_runs(filters, limit=_RUNS_AT_ONCE + len(kept), ascending=True)
        newest = {run.job_name: _newest_run(instance, run.job_name) for run in old}
        gone = [run.run_id for run in old if run.run_id != newest[run.job_name]]
        kept |= set(newest.values())
        for run_id in gone:
            _delete_run(instance, run_id)
        deleted += len(gone)
        is_more = bool(gone)
    return deleted


def delete_dbt_folders(target: Path, before: datetime) -> int:
    """What dbt wrote of each run into a folder of its own."""
    if not target.is_dir():
        return 0
    folders = [folder for folder in target.iterdir() if folder.is_dir() and folder.name not in _DBT_OUTPUTS]
    old = [folder for folder in folders if folder.stat().st_mtime < before.timestamp()]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)


def cut_log(log: Path, most_bytes: int, kept_bytes: int) -> bool:
    """Keep the end of a log that has grown too large. Whoever writes it appends, and so goes on at the new end."""
    if log.stat().st_size <= most_bytes:
        return False
    with log.open("r+b") as file:
        file.seek(-kept_bytes, os.SEEK_END)
        end = file.read()
        file.truncate(0)
    with log.open("ab") as file:
        file.write(end[end.find(b"\n") + 1 :])
    return True


def _newest_run(instance: dg.DagsterInstance, job_name: str) -> str:
    (newest,) = instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=ENDED), limit=1)
    return newest.run_id


def _delete_run(instance: dg.DagsterInstance, run_id: str) -> None:
    from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

    instance.delete_run(run_id)
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    storage: Any = instance.event_log_storage
    storage = getattr(storage, "event_log_storage", storage)
    if isinstance(storage, SqliteEventLogStorage):
        _forget_checks(storage, [run_id])
        for end in ("", "-wal", "-shm", "-journal"):
            Path(f"{storage.path_for_shard(run_id)}{end}").unlink(missing_ok=True)


def _forget_checks(storage: Any, run_ids: Sequence[str]) -> None:
    """Dagster keeps each result of a check for ever, with the whole event; the newest of each check stays."""
    import sqlalchemy as db
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as Checks

    newest = db.select(db.func.max(Checks.c.id)).group_by(Checks.c.asset_key, Checks.c.check_name)
    with storage.index_connection() as connection:
        connection.execute(Checks.delete().where(Checks.c.run_id.in_(run_ids), Checks.c.id.not_in(newest)))
