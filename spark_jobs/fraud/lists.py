"""Allow and block lists: who is never an alert for a time, and who always is; with an expiry and a reason.

Belongs here: adding, removing, reading entries. Does not belong here: arguments (orchestration.cli), what an entry does
to the queue (dbt_project). Rows are only added: of an entry's rows the newest counts. An entry holds for payments that
were made from `valid_from` until before `valid_to`, so a queue that is built again later is the same.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


class ListName(StrEnum):
    """What an entry does."""

    ALLOW = "ALLOW"
    BLOCK = "BLOCK"


class SubjectKind(StrEnum):
    """Whom an entry is about. A merchant is the receiver of its payments."""

    SENDER = "SENDER"
    RECEIVER = "RECEIVER"
    DEVICE = "DEVICE"


class NotListed(ValueError):
    """There is no such entry. The message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is, or is to be, on which list."""

    list_name: ListName
    kind: SubjectKind
    subject: str

    @property
    def values(self) -> dict[str, str]:
        """As the parameters of a statement."""
        return {"list_name": str(self.list_name), "subject_kind": str(self.kind), "subject": self.subject}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as its newest row has it."""

    entry_id: str
    list_name: str
    subject_kind: str
    subject: str
    valid_from: datetime
    valid_to: datetime
    decided_by: str
    reason: str
    decided_at: datetime


def add(client: "Client", settings: JobSettings, who: Subject, days: int, *, by: str, reason: str) -> Entry:
    """Put somebody on a list from now on, for so many days.

    Where an entry of the same is in force, it is the same entry with the new expiry and reason.

    Returns:
        The entry, as it is then.
    """
    values = who.values | {"entry_id": uuid.uuid4().hex[:12], "days": days, "decided_by": by, "reason": reason}
    run(client, add_sql(settings), values)
    [entry] = _in_force(client, settings, who)
    return entry


def remove(client: "Client", settings: JobSettings, who: Subject, *, by: str, reason: str) -> Entry:
    """Take somebody off a list from now on. What the entry did until now stays as it was.

    Raises:
        NotListed: no such entry is in force.

    Returns:
        The entry, as it was.
    """
    found = _in_force(client, settings, who)
    if not found:
        raise NotListed(
            f"{who.kind.lower()} {who.subject} is on no {who.list_name.lower()} list now: see `payments lists show`."
        )
    run(client, remove_sql(settings), who.values | {"decided_by": by, "reason": reason})
    return found[0]


def entries(client: "Client", settings: JobSettings, *, expired: bool = False) -> Sequence[Entry]:
    """Those in force, the next to expire first; with those that are no more."""
    sql = f"""
        select {_COLUMNS} from {newest_entries_sql(settings)} where {"true" if expired else _NOW}
        order by valid_to, list_name, subject_kind, subject
        """
    return [Entry(**row) for row in run(client, sql, {})]


def _in_force(client: "Client", settings: JobSettings, who: Subject) -> list[Entry]:
    return [Entry(**row) for row in run(client, in_force_sql(settings), who.values)]


_COLUMNS = ", ".join(column.name for column in catalog.FRAUD_LISTS.columns)
_NOW = "valid_from <= current_timestamp() and valid_to > current_timestamp()"
_SUBJECT = "list_name = @list_name and subject_kind = @subject_kind and subject = @subject"


def newest_entries_sql(settings: JobSettings) -> str:
    """A query in brackets: the newest row of each entry."""
    return f"""(
        select {_COLUMNS} from `{table_id(settings, catalog.FRAUD_LISTS)}` where true
        qualify row_number() over (partition by entry_id order by decided_at desc, valid_to) = 1
    )"""


def in_force_sql(settings: JobSettings) -> str:
    """The entry of a subject that is in force now; of more than one, which a race may write, the last to expire."""
    return f"""
        select {_COLUMNS} from {newest_entries_sql(settings)} where {_NOW} and {_SUBJECT}
        order by valid_to desc, entry_id limit 1
        """


def add_sql(settings: JobSettings) -> str:
    """One row more: of the entry that is in force, or of a new one."""
    return f"""
        insert into `{table_id(settings, catalog.FRAUD_LISTS)}` ({_COLUMNS})
        select coalesce(min(entry_id), @entry_id), @list_name, @subject_kind, @subject,
            coalesce(min(valid_from), current_timestamp()), timestamp_add(current_timestamp(), interval @days day),
            @decided_by, @reason, current_timestamp()
        from ({in_force_sql(settings)})
        """


def remove_sql(settings: JobSettings) -> str:
    """One row more for every entry of the subject that is in force: it ends now."""
    return f"""
        insert into `{table_id(settings, catalog.FRAUD_LISTS)}` ({_COLUMNS})
        select entry_id, list_name, subject_kind, subject, valid_from, current_timestamp(), @decided_by, @reason,
            current_timestamp()
        from {newest_entries_sql(settings)} where {_NOW} and {_SUBJECT}
        """
