"""Late money: valid payments that came after the watermark, admitted to the payments or rejected.

Belongs here: which late payments still wait for a decision, and deciding them. Does not belong here: writing a decision
down (decisions), the policy's setting (orchestration.settings).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from spark_jobs.corrections.decisions import Decision, Plan, decide
from spark_jobs.corrections.kept_records import HAS_ITS_VALUE, Selection, payments_of
from spark_jobs.retention.marks import read_kept
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.names import sql_names, table_id
from spark_jobs.tables.row_types import Row
from spark_jobs.warehouse.client import run

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


def undecided(client: "Client", settings: JobSettings, selection: Selection) -> list[Row]:
    """The first delivery of each late payment that is neither published nor decided: whole rows, oldest first.

    What has no value any more cannot be decided: it has expired.

    An id is looked for among the payments from the look-back before the oldest of these on: as far as a batch looks for
    one that says another time.
    """
    conditions, values = selection.conditions()
    name = sql_names(settings)
    asked = f"""
        select min(d.event_time) as paid from {name[catalog.DELIVERIES.name]} as d
        where d.disposition = 'LATE' and {conditions}
        """
    # Apart, as a constant: only those prune partitions.
    [oldest] = run(client, asked, values)
    if oldest["paid"] is None:
        return []
    values |= {"paid_since": oldest["paid"] - timedelta(days=settings.lookback_days)}
    sql = f"""
        select d.kafka_partition, d.kafka_offset, d.kafka_timestamp from {name[catalog.DELIVERIES.name]} as d
        where d.disposition = 'LATE' and {conditions}
            and {HAS_ITS_VALUE}
            and d.transaction_id not in (
                select transaction_id from {name[catalog.TRANSACTIONS.name]} where event_time >= @paid_since)
            and d.transaction_id not in (
                select transaction_id from {name[catalog.CORRECTIONS.name]}
                where kind in ('{Correction.ADMITTED_LATE}', '{Correction.REJECTED_LATE}')
                    and transaction_id is not null)
        qualify row_number() over (
            partition by d.transaction_id order by d.event_time, d.kafka_partition, d.kafka_offset) = 1
        order by d.kafka_timestamp, d.kafka_partition, d.kafka_offset
        limit @most
        """
    return _whole_rows(client, settings, run(client, sql, values))


def _whole_rows(client: "Client", settings: JobSettings, places: Sequence[Row]) -> list[Row]:
    """The late deliveries of these places, in their order: whole rows are read of the hours of these alone."""
    if not places:
        return []
    times = [place["kafka_timestamp"] for place in places]
    sql = f"""
        select d.* from `{table_id(settings, catalog.DELIVERIES)}` as d
        inner join unnest(@places) as asked
            on d.kafka_partition = asked.kafka_partition and d.kafka_offset = asked.kafka_offset
                and d.kafka_timestamp = asked.kafka_timestamp
        where d.disposition = 'LATE' and d.kafka_timestamp >= @first and d.kafka_timestamp <= @last
        order by d.kafka_timestamp, d.kafka_partition, d.kafka_offset
        """
    return run(client, sql, {"places": places, "first": min(times), "last": max(times)})


def plan_late(
    client: "Client", settings: JobSettings, selection: Selection, kind: Correction, most: int | None = None
) -> Plan:
    """The next of the selection's undecided late payments, at most `most` of them, each to be decided so.

    What the rules of now no longer take stays undecided, and is passed over each time. So does what would be admitted
    and may be a payment that has expired: it would count twice.
    """
    since = read_kept(client, settings).known_since(settings) if kind is Correction.ADMITTED_LATE else None
    looked_at = min(most or selection.limit, selection.limit)
    while True:
        rows = undecided(client, settings, replace(selection, limit=looked_at))
        known = [row for row in rows if since is None or row["event_time"] >= since]
        decisions = [Decision(kind, payment) for payment in payments_of(client, settings, known)]
        is_last = len(rows) < looked_at or looked_at >= selection.limit
        if decisions or is_last:
            return Plan(decisions, is_last)
        looked_at = min(2 * looked_at, selection.limit)


def decide_late(
    client: "Client",
    settings: JobSettings,
    selection: Selection,
    kind: Correction,
    *,
    decided_by: str,
    reason: str,
) -> Sequence[Decision]:
    """Admit or reject every undecided late payment of the selection, in one transaction.

    Raises:
        Incident: the warehouse refused.
    """
    plan = partial(plan_late, client, settings, selection, kind)
    return decide(client, settings, plan, decided_by=decided_by, reason=reason).decisions
