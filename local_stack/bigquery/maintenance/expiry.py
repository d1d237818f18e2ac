"""What nobody may ask for any more is deleted. Runs in the warehouse's environment, as the server does.

Belongs here: old states of tables and their files, jobs and their results, what a killed server left. Does not belong
here: merging files. Each function is one short transaction, or deletes files that nothing names any more.
"""

import time
from pathlib import Path

from local_stack.bigquery.maintenance.statements import fetch, metadata_of, text_of

_EXPIRED_AT_ONCE = 500
_FORGOTTEN_AT_ONCE = 200
_STAGING = "staging_"
"""How the names of tables begin that live for one batch."""


def expire(project_id: str, keep_seconds: float) -> None:
    """Some of the oldest snapshots, but for the newest of all."""
    catalog = metadata_of(project_id)
    old = fetch(
        f"""
        select snapshot_id from {catalog}.ducklake_snapshot
        where snapshot_time < now() - to_seconds({keep_seconds})
            and snapshot_id < (select max(snapshot_id) from {catalog}.ducklake_snapshot)
        order by snapshot_id limit {_EXPIRED_AT_ONCE}
        """
    )
    if old:
        versions = ", ".join(str(version) for (version,) in old)
        fetch(f"select snapshot_id from ducklake_expire_snapshots({text_of(project_id)}, versions => [{versions}])")


def delete_files(project_id: str, keep_seconds: float) -> None:
    """Those that no state of a table has had for so long: a query that began before may read them still."""
    old = f"older_than => now() - to_seconds({keep_seconds})"
    fetch(f"select path from ducklake_cleanup_old_files({text_of(project_id)}, {old})")


def remove_folders(project_id: str, keep_seconds: float) -> None:
    """Those of staging tables that are gone: each has a name of its own, so that nobody writes there again."""
    from local_bigquery.settings import settings

    for folder in Path(settings.data_dir, project_id).glob(f"*/{_STAGING}*"):
        if folder.stat().st_mtime < time.time() - keep_seconds and not any(folder.iterdir()):
            folder.rmdir()


def forget_jobs(project_id: str, keep_seconds: float) -> None:
    """Some of those that ended long ago, each with the table of its result."""
    from local_bigquery.catalog import tables
    from local_bigquery.engine import database
    from local_bigquery.jobs import runner

    rows = fetch(
        "select job_id from emulator.jobs where project_id = $1 and creation_time < epoch_ms(now()) - $2 and "
        "coalesce((resource ->> '$.statistics.endTime')::bigint, creation_time) < epoch_ms(now()) - $2 "
        f"order by creation_time limit {_FORGOTTEN_AT_ONCE}",
        [project_id, int(keep_seconds * 1000)],
    )
    old = [job_id for (job_id,) in rows if (project_id, job_id) not in runner._running]
    if not old:
        return
    # Who adds a row to the jobs waits: one after the other.
    with database.writing("emulator", "jobs"), database.cursor() as cursor:
        cursor.execute("begin")
        for job_id in old:
            cursor.execute(f"drop table if exists {tables.name(project_id, tables.RESULTS, job_id)}")
        delete = "delete from emulator.jobs where project_id = $1 and list_contains($2, job_id)"
        cursor.execute(delete, [project_id, old])
        cursor.execute("commit")


def delete_what_a_killed_server_left(project_id: str) -> None:
    """Files and folders that nothing names. Only before the server answers: afterwards they may be somebody's."""
    from local_bigquery.settings import settings

    staged = "\n".join(sql for (sql,) in fetch("select sql from duckdb_views() where schema_name = '_loaded'"))
    orphans = fetch(
        f"select path from ducklake_delete_orphaned_files({text_of(project_id)}, dry_run => true, cleanup_all => true)"
    )
    for (path,) in orphans:
        if path not in staged:
            Path(path).unlink(missing_ok=True)
    for folder, _, _ in Path(settings.data_dir, project_id).walk(top_down=False):
        if not any(folder.iterdir()):
            folder.rmdir()
