"""The statements that delete what has expired.

Belongs here: their text, and what each reads. Does not belong here: which days have expired (kept), when (expire).

On BigQuery a deletion of whole partitions is free, so days are deleted whole, a day after they have expired: a batch
goes over midnight. A record says its time itself, and a payment its own: where newer batches have brought one of a day
that has expired, that day and those after it are gone through row by row, which is billed.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from spark_jobs.retention.kept import PAYMENTS, Mark, Rule
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import CORRECTIONS, DELIVERIES, HEALTH_HISTORY, INCIDENTS, LEDGER, Layer
from spark_jobs.tables.names import dataset_of, full_name, table_id
from spark_jobs.utc_days import beginning_of
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.schema_version import change_table
from spark_jobs.warehouse.table_setup import items_in

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, Table

FOLLOWING: Mapping[str, str] = {
    "payment_transactions_fraud": "event_time < @before",
    "int_payments__alerted": "event_time < @before",
    "int_accounts__days": "day < date(@before)",
    "int_accounts__habits": "day < date(@before)",
}
"""What dbt keeps of single payments and accounts, with the condition of its rows that go with them: @before is the
beginning of a day. The partition's column stands alone in it, or BigQuery would go through every row. What dbt sums up
by day or minute stays."""

_A_DAY = timedelta(days=1)
CLEARED_AT_ONCE_DAYS = 8
"""Of so many days raw values are cleared in a night: of those that were stored before it was asked for too."""


def delete_days(client: "Client", settings: JobSettings, rule: Rule, mark: Mark) -> None:
    """Delete the rows that have expired, and what follows them."""
    whole = min(mark.moment, _beginning(_oldest_of_newer(client, settings, rule, mark)))
    table = table_id(settings, rule.table)
    run(client, f"delete from `{table}` where {rule.column} < @before", {"before": whole})
    if mark.moment - whole > _A_DAY:
        sql = f"""
            delete from `{table}`
            where {rule.column} >= @since and {rule.column} < @kept_from and batch_id <= @last_batch_id
            """
        run(client, sql, {"since": whole, "kept_from": mark.moment, "last_batch_id": mark.last_batch_id})
    if rule.kept == PAYMENTS:
        there = {item.table_id for item in items_in(client, dataset_of(settings, Layer.MARTS))}
        for name in sorted(there & FOLLOWING.keys()):
            run(client, f"delete from `{full_name(settings, name)}` where {FOLLOWING[name]}", {"before": whole})


def _beginning(moment: datetime | None) -> datetime:
    """Of its day; without one, of a day that never comes."""
    return beginning_of(moment.astimezone(UTC).date()) if moment else datetime.max.replace(tzinfo=UTC)


def _oldest_of_newer(client: "Client", settings: JobSettings, rule: Rule, mark: Mark) -> datetime | None:
    """No row of a newer batch than the mark's is older; it reads the days of the ledger that are kept."""
    newer = "batch_id > @last_batch_id and published_at >= @kept_from"
    ledger = f"`{table_id(settings, LEDGER)}`"
    if rule.kept == PAYMENTS:
        sql = f"""
            select min(oldest) as oldest
            from (
                select coalesce(watermark, timestamp '1970-01-01 00:00:00+00') as oldest from {ledger} where {newer}
                union all
                select event_time as oldest from `{table_id(settings, CORRECTIONS)}`
                where batch_id > @last_batch_id and payments_added = 1 and decided_at >= @decided_since
            )
            """
    else:
        sql = f"select min(min_kafka_timestamp) as oldest from {ledger} where {newer}"
    values: dict[str, Any] = {"last_batch_id": mark.last_batch_id, "kept_from": mark.moment}
    # A decision's time is that of its transaction's beginning: a day is more than any takes.
    values |= {"decided_since": mark.moment - _A_DAY} if rule.kept == PAYMENTS else {}
    oldest: datetime | None = run(client, sql, values)[0]["oldest"]
    return oldest


def clear_raw_values(client: "Client", settings: JobSettings, mark: Mark, before: Mark | None) -> Mark:
    """How far they are cleared now, after some days more. Records keep their hash, which verify and audit rest on.

    Each day is a statement, which reads it, and on BigQuery rewrites it. The day before the last mark is gone through
    again: a batch goes over midnight. The first statement has no other bound than the first batch's day.
    """
    until = before.moment - _A_DAY if before else _beginning(_first_published(client, settings))
    since = until if before else datetime(1970, 1, 1, tzinfo=UTC)
    sql = f"""
        update `{table_id(settings, DELIVERIES)}` set raw_key = null, raw_value = null, headers = null
        where kafka_timestamp >= @since and kafka_timestamp < @until and batch_id <= @last_batch_id
            and (raw_key is not null or raw_value is not null or headers is not null)
        """
    for _ in range(CLEARED_AT_ONCE_DAYS):
        until = min(mark.moment, until + _A_DAY)
        run(client, sql, {"since": since, "until": until, "last_batch_id": mark.last_batch_id})
        since = until
        if until == mark.moment:
            break
    return Mark(until.date(), mark.last_batch_id)


def _first_published(client: "Client", settings: JobSettings) -> datetime | None:
    moment: datetime | None = run(
        client, f"select min(published_at) as oldest from `{table_id(settings, LEDGER)}`", {}
    )[0]["oldest"]
    return moment


def delete_incidents(client: "Client", settings: JobSettings, now: datetime) -> None:
    """Why runs stopped, and what the health metrics were: no rule rests on either.

    The second is partitioned by the time of writing, so BigQuery deletes its old days by itself.
    """
    before = now - timedelta(days=settings.keep_incidents_days)
    run(client, f"delete from `{table_id(settings, INCIDENTS)}` where occurred_at < @before", {"before": before})
    history = table_id(settings, HEALTH_HISTORY)
    if settings.emulator_host is None:
        let_expire(client, history, settings.keep_incidents_days)
    else:
        run(client, f"delete from `{history}` where measured_at < @before", {"before": before})


def let_expire(client: "Client", table: str, days: int) -> None:
    """Have BigQuery delete a table's partitions of that age by itself, where it does not do so already."""
    milliseconds = round(timedelta(days=days).total_seconds() * 1000)

    def change(found: "Table") -> str | None:
        partitioning = found.time_partitioning
        if partitioning is None or partitioning.expiration_ms == milliseconds:
            return None
        partitioning.expiration_ms = milliseconds
        found.time_partitioning = partitioning
        return "time_partitioning"

    change_table(client, table, change)
