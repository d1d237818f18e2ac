"""Dagster's events that belong to no run: what sensors observe and what the watch checks, a row each minute.

Belongs here: deleting the old ones; Dagster itself never does. Does not belong here: runs and their events (retention).
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

_AT_ONCE = 5_000
"""So many in one statement: whoever reads beside it waits for no more."""


def delete_events_without_a_run(instance: dg.DagsterInstance, before: datetime) -> int:
    """Observations, materializations and results of checks of before then; the newest of each asset and check stays.

    Returns:
        How many events are gone.
    """
    from dagster._core.instance import RUNLESS_RUN_ID
    from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

    storage: Any = instance.event_log_storage
    storage = getattr(storage, "event_log_storage", storage)
    if not isinstance(storage, SqlEventLogStorage):
        return 0
    moment = before.astimezone(UTC).replace(tzinfo=None)
    _delete_checks(storage, RUNLESS_RUN_ID, moment)
    with storage.index_connection() as connection:
        deleted = _delete_events(connection, RUNLESS_RUN_ID, moment)
    # On one machine the events of each run, and of none, are in a file of their own too.
    with storage.run_connection(RUNLESS_RUN_ID) as connection:
        _delete_events(connection, RUNLESS_RUN_ID, moment)
    return deleted


def _delete_events(connection: Any, run_id: str, moment: datetime) -> int:
    import sqlalchemy as db
    from dagster._core.storage.event_log.schema import AssetEventTagsTable as Tags
    from dagster._core.storage.event_log.schema import SqlEventLogStorageTable as Events

    newest = db.select(db.func.max(Events.c.id)).group_by(
        Events.c.asset_key, Events.c.dagster_event_type, Events.c.partition
    )
    is_old = db.and_(Events.c.run_id == run_id, Events.c.timestamp < moment, Events.c.id.not_in(newest))
    deleted = 0
    while ids := [row[0] for row in connection.execute(db.select(Events.c.id).where(is_old).limit(_AT_ONCE))]:
        connection.execute(Tags.delete().where(Tags.c.event_id.in_(ids)))
        connection.execute(Events.delete().where(Events.c.id.in_(ids)))
        deleted += len(ids)
    return deleted


def _delete_checks(storage: Any, run_id: str, moment: datetime) -> None:
    import sqlalchemy as db
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as Checks

    newest = db.select(db.func.max(Checks.c.id)).group_by(Checks.c.asset_key, Checks.c.check_name)
    is_old = db.and_(Checks.c.run_id == run_id, Checks.c.create_timestamp < moment, Checks.c.id.not_in(newest))
    with storage.index_connection() as connection:
        connection.execute(Checks.delete().where(is_old))
