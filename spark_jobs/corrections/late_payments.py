"""Late money: valid payments that came after the watermark, admitted to the payments or rejected.

Belongs here: which late payments still wait for a decision, and deciding them. Does not belong here: writing a decision
down (corrections.py), the policy's setting (orchestration/settings.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from spark_jobs.corrections.decisions import Decision, decide
from spark_jobs.parsing.rereading import reread
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.warehouse.client import run, table_id

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

DEFAULT_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Which kept records are meant; None means any. Times bound the Kafka timestamp, `until` excluded."""

    partition: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    reason: str | None = None
    limit: int = DEFAULT_LIMIT

    def conditions(self) -> tuple[str, dict[str, Any]]:
        """SQL over a row `d` of payment_deliveries, and its values."""
        given = {
            "partition": ("d.kafka_partition = @partition", self.partition),
            "since": ("d.kafka_timestamp >= @since", self.since),
            "until": ("d.kafka_timestamp < @until", self.until),
            "quarantined_for": ("@quarantined_for in unnest(d.reasons)", self.reason),
        }
        chosen = {name: pair for name, pair in given.items() if pair[1] is not None}
        conditions = " and ".join(["true", *(sql for sql, _ in chosen.values())])
        return conditions, {name: value for name, (_, value) in chosen.items()} | {"most": self.limit}


def undecided(client: "Client", settings: JobSettings, selection: Selection) -> list[dict[str, Any]]:
    """The first delivery of each late payment that is neither published nor decided: whole rows, oldest first.

    The check against the payments is by id over all of them: a late payment may be of any day.
    """
    conditions, values = selection.conditions()
    name = {table: f"`{table_id(settings, table)}`" for table in catalog.TABLES}
    sql = f"""
        select d.* from {name[catalog.DELIVERIES]} as d
        where d.disposition = 'LATE' and {conditions}
            and d.transaction_id not in (select transaction_id from {name[catalog.TRANSACTIONS]})
            and d.transaction_id not in (
                select transaction_id from {name[catalog.CORRECTIONS]}
                where kind in ('{Correction.ADMITTED_LATE}', '{Correction.REJECTED_LATE}')
                    and transaction_id is not null)
        qualify row_number() over (
            partition by d.transaction_id order by d.event_time, d.kafka_partition, d.kafka_offset) = 1
        order by d.kafka_timestamp, d.kafka_partition, d.kafka_offset
        limit @most
        """
    return run(client, sql, values)


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

    def plan() -> list[Decision]:
        return [Decision(kind, payment) for payment in payments_of(undecided(client, settings, selection))]

    return decide(client, settings, plan, decided_by=decided_by, reason=reason)


def payments_of(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of payment_transactions from kept deliveries; those that the contract no longer takes are left out."""
    again = reread(rows)
    names = [column.name for column in catalog.TRANSACTIONS.columns]
    return [
        {name: row[name] if name in row else judged[name] for name in names}
        for row, judged in zip(rows, again, strict=True)
        if not judged["reasons"]
    ]
