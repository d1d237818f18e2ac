"""Backing all tables up into one dataset, and restoring them from there, each into the dataset of its layer.

Belongs here: which tables, in which order, and whether a copy is whole. Does not belong here: the statements' text
(statements), printing (orchestration).

The control row's table is the last that is copied and the last that is put back. A copy that was broken off has none,
and is refused; while a dataset is put back it has none, and a run that begins then publishes nothing.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spark_jobs.backups.statements import clone_sql, snapshot_sql, take_over_sql
from spark_jobs.publishing.control import Control
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import CONTROL, LEDGER, SCHEMA_MIGRATIONS, Layer
from spark_jobs.tables.names import STAGING_PREFIX, dataset_of, full_name, layer_of, table_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.control_row import newest_in_ledger, read_control
from spark_jobs.warehouse.retries import bounds
from spark_jobs.warehouse.schema_version import set_version
from spark_jobs.warehouse.table_setup import items_in, make_dataset

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

_NAME = re.compile(r"\w{1,1024}", re.ASCII)
_COPIED = ("TABLE", "CLONE")
_COPIES = ("SNAPSHOT", *_COPIED)


class BackupRefused(RuntimeError):
    """Nothing was changed. The message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole copy. `control` is the row that it holds: up to where it has everything. `tables` are names."""

    name: str
    description: str
    control: Control
    tables: tuple[str, ...]


def back_up(client: "Client", settings: JobSettings, name: str) -> Backup:
    """Copy every table, as of one moment, into a new dataset of that name.

    Nothing has to be stopped: all tables are read as of the same moment, between two transactions.

    Raises:
        BackupRefused: the name is taken or is none, or nothing is there to be copied.
    """
    there = _check_name(settings, name)
    copied = _tables(client, settings, _COPIED)
    if CONTROL.name not in copied:
        raise BackupRefused(f"dataset {settings.dataset!r} has no control row: there is nothing to back up.")
    if _has(client, there):
        raise BackupRefused(f"dataset {name!r} is there already: a backup takes a new name.")
    [clock] = run(client, "select current_timestamp() as now", {})
    make_dataset(client, there)
    for table in _control_last(copied):
        run(client, snapshot_sql(full_name(settings, table), full_name(there, table), clock["now"]), {})
    dataset = client.get_dataset(f"{there.project}.{name}", **bounds())
    dataset.description = f"{settings.dataset} as of {clock['now'].isoformat()}"
    client.update_dataset(dataset, ["description"], **bounds())
    return read_backup(client, settings, name)


def read_backup(client: "Client", settings: JobSettings, name: str) -> Backup:
    """A backup, once it was seen to be whole.

    Raises:
        BackupRefused: it is none, was broken off, or its tables are not of one moment.
    """
    there = _check_name(settings, name)
    tables = _tables(client, there, _COPIES) if _has(client, there) else ()
    if not {CONTROL.name, LEDGER.name} <= set(tables):
        raise BackupRefused(f"dataset {name!r} is no backup, or one that was broken off: it has no control row.")
    control = read_control(client, there)
    if control is None:
        raise BackupRefused(f"backup {name!r} knows no pipeline {settings.pipeline!r}.")
    newest = newest_in_ledger(client, there)
    if (newest or 0) != control.last_batch_id:
        raise BackupRefused(
            f"the tables of backup {name!r} are not of one moment: its ledger ends with batch {newest}, and "
            f"its control row says {control.last_batch_id}."
        )
    dataset = client.get_dataset(f"{there.project}.{name}", **bounds())
    return Backup(name, dataset.description or "", control, tables)


def now_in(client: "Client", settings: JobSettings) -> Control | None:
    """What the dataset holds before it is set back; None where it is gone, or its control row is."""
    has = _has(client, settings) and CONTROL.name in _tables(client, settings, _COPIED)
    return read_control(client, settings) if has else None


def restore(client: "Client", settings: JobSettings, backup: Backup) -> Iterator[str]:
    """Put every table back as the backup has it. Yields each table's name once it is done; iterate to the end.

    A run that is at work is fenced off first. Tables that the backup does not have stay (`not_in`).
    """
    before = now_in(client, settings)
    holder, there = f"restore{uuid.uuid4().hex[:12]}", settings.in_one_dataset(backup.name)
    control, epoch = table_id(settings, CONTROL), max(before.epoch if before else 0, backup.control.epoch)
    values = {"pipeline": settings.pipeline, "holder": holder}
    if before:
        run(client, take_over_sql(control), values | {"epoch": epoch})
    for layer in Layer:
        make_dataset(client, settings, layer)
    # From here on a run that begins finds batches and no control row, and publishes nothing.
    client.delete_table(control, not_found_ok=True, **bounds())
    for table in _control_last(backup.tables):
        # Nothing of the table of now may be left, such as labels that say up to where it is built.
        client.delete_table(full_name(settings, table), not_found_ok=True, **bounds())
        run(client, clone_sql(full_name(there, table), full_name(settings, table)), {})
        yield table
    run(client, take_over_sql(control), values | {"epoch": epoch + 1})
    if SCHEMA_MIGRATIONS.name in backup.tables:
        [found] = run(client, f"select max(version) as newest from `{table_id(settings, SCHEMA_MIGRATIONS)}`", {})
        # A label need not come with a copy.
        set_version(client, control, found["newest"] or 1)


def not_in(client: "Client", settings: JobSettings, backup: Backup) -> list[str]:
    """Tables that the backup does not have: they are of after it, or of somebody else."""
    return [table for table in _tables(client, settings, _COPIED) if table not in backup.tables]


def _check_name(settings: JobSettings, name: str) -> JobSettings:
    if not _NAME.fullmatch(name) or name in settings.datasets:
        raise BackupRefused(f"{name!r} is no name for a backup: letters, digits and _, and not a dataset's own.")
    return settings.in_one_dataset(name)


def _has(client: "Client", settings: JobSettings) -> bool:
    from google.api_core.exceptions import NotFound

    try:
        client.get_dataset(f"{settings.project}.{settings.dataset}", **bounds())
    except NotFound:
        return False
    return True


def _tables(client: "Client", settings: JobSettings, types: tuple[str, ...]) -> tuple[str, ...]:
    """Names of what lies in the dataset of its layer: what is in another one is somebody else's."""
    places = dict.fromkeys(dataset_of(settings, layer) for layer in Layer)
    found = ((place, item) for place in places for item in items_in(client, place) if item.table_type in types)
    names = sorted(item.table_id for place, item in found if dataset_of(settings, layer_of(item.table_id)) == place)
    return tuple(name for name in names if not name.startswith(STAGING_PREFIX))


def _control_last(tables: tuple[str, ...]) -> list[str]:
    return [*(table for table in tables if table != CONTROL.name), CONTROL.name]
