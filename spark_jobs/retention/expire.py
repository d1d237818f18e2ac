"""Having days expire that are sealed and older than is kept: put on record first, then deleted.

Belongs here: the order of the steps. Does not belong here: which days (kept), the statements that delete (deletion).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from spark_jobs.retention.deletion import clear_raw_values, delete_days, delete_incidents
from spark_jobs.retention.kept import CLEARED, RAW_VALUES, Mark, rules_of
from spark_jobs.retention.marks import read_kept, write_mark
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import DAY_SEALS, LEDGER
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.retries import failures_as_incidents

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


@dataclass(frozen=True, slots=True)
class Expired:
    """What is kept from now on. `held_days` are older than is asked for, and stay until they are sealed."""

    kept: str
    kept_from: date
    held_days: int = 0


def expire(client: "Client", settings: JobSettings, marked_by: str, now: datetime) -> list[Expired]:
    """Have every day expire that is older than is kept, and sealed.

    Once it is on record no command looks for the rows any more. So a run that dies in between leaves no contradiction:
    the next one deletes what is left.

    Args:
        client: the warehouse.
        settings: how many days are kept; 0 is for ever.
        marked_by: who has them expire.
        now: the clock, with its zone.
    """
    with failures_as_incidents():
        found = list(_expired(client, settings, marked_by, now))
        if settings.keep_incidents_days:
            delete_incidents(client, settings, now)
    return found


def _expired(client: "Client", settings: JobSettings, marked_by: str, now: datetime) -> Iterator[Expired]:
    rules = [rule for rule in rules_of(settings) if rule.days]
    if not rules:
        return
    today, known, newest_sealed = (
        now.astimezone(UTC).date(),
        read_kept(client, settings),
        _newest_sealed(client, settings),
    )
    for rule in rules:
        before, kept_from = known.of(rule.kept), rule.kept_from(today, newest_sealed)
        mark = before
        if kept_from and (before is None or kept_from > before.kept_from):
            batch = _last_batch_before(client, settings, Mark(kept_from, 0).moment)
            if batch:
                mark = Mark(kept_from, batch)
                write_mark(client, settings, rule.kept, mark, marked_by, now)
        if mark is None:
            continue
        if rule.kept == RAW_VALUES:
            cleared = clear_raw_values(client, settings, mark, known.cleared)
            write_mark(client, settings, CLEARED, cleared, marked_by, now)
        else:
            delete_days(client, settings, rule, mark)
        held = (today - timedelta(days=rule.days) - mark.kept_from).days
        yield Expired(rule.kept, mark.kept_from, max(0, held))


def _newest_sealed(client: "Client", settings: JobSettings) -> date | None:
    [row] = run(client, f"select max(day) as day from `{table_id(settings, DAY_SEALS)}`", {})
    day: date | None = row["day"]
    return day


def _last_batch_before(client: "Client", settings: JobSettings, moment: datetime) -> int:
    """The newest batch that was published before then; 0 where none was. Of the ledger it reads two columns."""
    sql = f"select max(batch_id) as batch_id from `{table_id(settings, LEDGER)}` where published_at < @moment"
    return int(run(client, sql, {"moment": moment})[0]["batch_id"] or 0)
