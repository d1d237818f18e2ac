"""Kept records and deliveries that a decision selects, and the payments that they are.

Belongs here: what late payments, replays and backfills select by. Does not belong here: what is decided of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from spark_jobs.reading.contracts import contract_in_use
from spark_jobs.reading.rereading import reread_each
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.warehouse.kept_contracts import contracts_of

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


DEFAULT_LIMIT = 10_000
HAS_ITS_VALUE = "(d.raw_value is not null or d.value_sha256 = sha256(b''))"
"""The condition of a delivery whose value has not expired: a record that never had one has the hash of nothing."""

RECENT = timedelta(days=2)
"""Of which late payments are looked at where nobody says since when: the warehouse keeps months of them."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which kept records are meant; None means any. Times bound the Kafka timestamp, `until` excluded."""

    partition: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    reason: str | None = None
    limit: int = DEFAULT_LIMIT

    def recent(self, now: datetime) -> Self:
        """The same from its own time on, or of the last days."""
        return self if self.since else replace(self, since=now - RECENT)

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


def payments_of(client: "Client", settings: JobSettings, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of payment_transactions from kept deliveries, by the contract of their batch.

    Where the rules have changed since, those that they no longer take are left out.
    """
    again = reread_each(rows, contracts_of(client, settings, rows, contract_in_use(settings)))
    names = [column.name for column in catalog.TRANSACTIONS.columns]
    return [
        {name: row[name] if name in row else judged[name] for name in names}
        for row, judged in zip(rows, again, strict=True)
        if not judged["reasons"]
    ]
