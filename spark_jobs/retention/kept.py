"""From which day on rows are kept, and the condition that a row has expired. Pure.

Belongs here: the rules, and their SQL. Does not belong here: reading marks (marks), having rows expire (expire).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.row_types import ReadRow
from spark_jobs.utc_days import beginning_of

DELIVERIES = catalog.DELIVERIES.name
PAYMENTS = catalog.TRANSACTIONS.name
RAW_VALUES = f"{DELIVERIES}.raw_value"
CLEARED = f"{RAW_VALUES} is NULL"
"""The mark of raw values once they are cleared up to it: a run may die before."""


def reach(settings: JobSettings) -> timedelta:
    """How much older than a duplicate its payment may be: the look-back goes back from the watermark, which trails."""
    return timedelta(days=settings.lookback_days + 2, minutes=settings.watermark_minutes)


@dataclass(frozen=True, slots=True)
class Mark:
    """Rows of days before `kept_from` have expired, if a batch up to `last_batch_id` has brought them.

    A record may say any time: what a newer batch has brought is kept, whatever it says.
    """

    kept_from: date
    last_batch_id: int

    @property
    def moment(self) -> datetime:
        """The beginning of the first day that is kept."""
        return beginning_of(self.kept_from)

    def has_expired(self, at: datetime | None, batch_id: int) -> bool:
        """Whether a row of that time and batch has."""
        return at is not None and at < self.moment and batch_id <= self.last_batch_id

    def is_kept(self, time_column: str, batch_column: str) -> str:
        """The condition of a row that is kept. One without a time is."""
        since = f"timestamp '{self.moment.isoformat(' ')}'"
        return f"coalesce({time_column} >= {since} or {batch_column} > {self.last_batch_id}, true)"


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of deliveries, of their raw values, and of payments; None: everything. Raw values are `cleared`."""

    deliveries: Mark | None = None
    raw_values: Mark | None = None
    payments: Mark | None = None
    cleared: Mark | None = None

    @classmethod
    def of_rows(cls, rows: Iterable[ReadRow]) -> "Kept":
        """From rows of retention_marks: of each the newest day counts."""
        newest: dict[str, Mark] = {}
        for row in rows:
            mark = Mark(row["kept_from"], row["last_batch_id"])
            known = newest.get(row["kept"])
            newest[row["kept"]] = mark if known is None or mark.kept_from >= known.kept_from else known
        return cls(*(newest.get(kept) for kept in (DELIVERIES, RAW_VALUES, PAYMENTS, CLEARED)))

    def of(self, kept: str) -> Mark | None:
        """The mark of one of them."""
        return {DELIVERIES: self.deliveries, RAW_VALUES: self.raw_values, PAYMENTS: self.payments}[kept]

    def are_payments_of(self, day: date) -> bool:
        """Whether the payments of a sealed day are there."""
        return self.payments is None or day >= self.payments.kept_from

    def known_since(self, settings: JobSettings) -> datetime | None:
        """Of a delivery that says a time from then on, the payment is there, if there ever was one; None: of any."""
        return self.payments.moment + reach(settings) if self.payments else None

    def has_expired(self, day: date) -> bool:
        """Whether payments or deliveries of a day have."""
        return any(mark is not None and day < mark.kept_from for mark in (self.deliveries, self.payments))

    def are_deliveries_of(self, row: ReadRow) -> bool:
        """Whether all deliveries of a batch are there, by its row of batch_ledger."""
        mark = self.deliveries
        return mark is None or not mark.has_expired(row["min_kafka_timestamp"], row["batch_id"])


EVERYTHING = Kept()


@dataclass(frozen=True, slots=True)
class Rule:
    """Of one thing that is kept: for how many days, by which time, in which table."""

    kept: str
    table: catalog.Table
    days: int

    @property
    def column(self) -> str:
        """The time that a row's day is told by: the table is partitioned by it."""
        return self.table.partition_by or ""

    def kept_from(self, today: date, newest_sealed: date | None) -> date | None:
        """The oldest day that is kept. No day expires that is not sealed; None: none does.

        A record of a day may be written to the log after it, so the newest sealed day is kept in any case.
        """
        if not self.days or newest_sealed is None:
            return None
        return min(today - timedelta(days=self.days), newest_sealed)


def rules_of(settings: JobSettings) -> list[Rule]:
    """A rule for each of them; raw values first, as deliveries are rows of the same days."""
    return [
        Rule(RAW_VALUES, catalog.DELIVERIES, settings.keep_raw_days),
        Rule(DELIVERIES, catalog.DELIVERIES, settings.keep_deliveries_days),
        Rule(PAYMENTS, catalog.TRANSACTIONS, settings.keep_payments_days),
    ]


def sealed_by(settings: JobSettings, newest_sealed: date) -> datetime | None:
    """By when the day after the newest sealed one has to be sealed: half of the time is over then that it is kept.

    None where nothing expires. A day that is not sealed does not expire: it takes room, and holds others up.
    """
    days = [rule.days for rule in rules_of(settings) if rule.days]
    if not days:
        return None
    return beginning_of(newest_sealed + timedelta(days=1)) + timedelta(days=min(days)) / 2
