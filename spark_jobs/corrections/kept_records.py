"""Kept records and deliveries that a decision selects, and the payments that they are.

Belongs here: what late payments, replays and backfills select by. Does not belong here: what is decided of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from spark_jobs.contract.code_lists import CodeLists, lists_of_now
from spark_jobs.contract.payment_event import UnreadableLabels
from spark_jobs.parsing.rereading import reread
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog

if TYPE_CHECKING:
    pass


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


def lists_of(settings: JobSettings) -> CodeLists:
    """The lists of now, under the setting."""
    return lists_of_now(UnreadableLabels(settings.unreadable_labels))


def payments_of(rows: Sequence[dict[str, Any]], settings: JobSettings) -> list[dict[str, Any]]:
    """Rows of payment_transactions from kept deliveries; those that the contract no longer takes are left out."""
    again = reread(rows, lists=lists_of(settings))
    names = [column.name for column in catalog.TRANSACTIONS.columns]
    return [
        {name: row[name] if name in row else judged[name] for name in names}
        for row, judged in zip(rows, again, strict=True)
        if not judged["reasons"]
    ]
