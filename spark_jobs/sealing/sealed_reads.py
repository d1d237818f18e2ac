"""What is read for seals and for proofs: the seals, and a day's payments as they were sealed.

Belongs here: running the statements, at one moment. Does not belong here: their text (statements), judging.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from spark_jobs.retention.kept import Kept
from spark_jobs.retention.marks import read_kept
from spark_jobs.sealing import statements
from spark_jobs.sealing.hash_tree import EMPTY_ROOT
from spark_jobs.sealing.seals import Seal, Sums, bounds
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import CONTROL, CORRECTIONS, DAY_SEALS, ERASURES, TRANSACTIONS
from spark_jobs.tables.names import table_id
from spark_jobs.tables.row_types import Row
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.snapshot import snapshot

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

_CLOCKS_DIFFER = timedelta(days=1)
"""A seal's time is the clock's of who seals, a correction's the warehouse's: partitions are cut with this room."""


@dataclass(frozen=True, slots=True)
class Since:
    """From when on corrections are beside a day: the newest correction_id that its seal knows, and when that was."""

    correction_count: int
    at: datetime

    @classmethod
    def sealed(cls, seal: Seal) -> "Since":
        """From the seal on."""
        return cls(seal.correction_count, seal.sealed_at)


@dataclass(frozen=True, slots=True)
class SealedReads:
    """Reads of one moment."""

    client: "Client"
    settings: JobSettings
    session_id: str

    def seals(self) -> list[Seal]:
        """Every seal, in order. The table has a row a day."""
        rows = self._run(f"select * from `{table_id(self.settings, DAY_SEALS)}` order by seal_id")
        return [Seal.of_row(row) for row in rows]

    def kept(self) -> Kept:
        """Of which days the payments are there."""
        return read_kept(self.client, self.settings, self.session_id)

    def control_rows(self) -> list[Row]:
        """A row for each pipeline that publishes into the dataset."""
        return self._run(
            "select last_batch_id, digest, watermark, correction_count, erasure_count from "
            f"`{table_id(self.settings, CONTROL)}` order by last_batch_id desc"
        )

    def days_with_payments(self) -> list[date]:
        """Every day with a payment. It reads the times of all payments: only before the first seal."""
        sql = f"select distinct date(event_time) as day from `{table_id(self.settings, TRANSACTIONS)}` order by day"
        return [row["day"] for row in self._run(sql)]

    def sums(self, day: date, since: Since) -> Sums:
        """What the day's payments came to then."""
        return Sums.of_rows(self._of_day(statements.SUMS, day, since))

    def root(self, day: date, since: Since, depth: int) -> str:
        """The root of the hash tree over them."""
        rows = self._of_day(statements.root(depth), day, since)
        return str(rows[0]["digest"]) if rows else EMPTY_ROOT

    def way(self, seal: Seal, id_hash: str) -> list[Row]:
        """The bucket where an id has its place, and the branches of each node up to the root."""
        return self._of_day(statements.way(seal.tree_depth), seal.day, Since.sealed(seal), id_hash=id_hash)

    def payment(self, seal: Seal, transaction_id: str) -> list[Row]:
        """What the seal knows of an id: one row where it is counted once."""
        return self._of_day(statements.PAYMENT, seal.day, Since.sealed(seal), transaction_id=transaction_id)

    def corrected(self, seal: Seal) -> list[Row]:
        """What later corrections did to the day: `currency` and the `payment_count` that they added."""
        return self._of_day(
            f"""
            select currency, sum(payments_added) as payment_count
            from `{table_id(self.settings, CORRECTIONS)}`
            where correction_id > @corrections and decided_at >= @decided_since and payments_added != 0
                and event_time >= @since and event_time < @until
            group by currency
            order by currency
            """,
            seal.day,
            Since.sealed(seal),
        )

    def erased(self, seal: Seal) -> int:
        """Payments of the day that were erased since."""
        sql = f"""
            select coalesce(sum(payments_removed), 0) as payments from `{table_id(self.settings, ERASURES)}`
            where erasure_id > @erasures and day = date(@since)
            """
        values = {"erasures": seal.erasure_count, "since": bounds(seal.day)["since"]}
        return int(self._run(sql, values)[0]["payments"])

    def _of_day(self, sql: str, day: date, since: Since, **values: Any) -> list[Row]:
        tables = {
            "transactions": f"`{table_id(self.settings, TRANSACTIONS)}`",
            "corrections": f"`{table_id(self.settings, CORRECTIONS)}`",
        }
        values |= bounds(day) | {
            "corrections": since.correction_count,
            "decided_since": since.at.astimezone(UTC) - _CLOCKS_DIFFER,
        }
        return self._run(sql.format(**tables) if "{" in sql else sql, values)

    def _run(self, sql: str, values: dict[str, Any] | None = None) -> list[Row]:
        return run(self.client, sql, values or {}, session_id=self.session_id)


@contextmanager
def sealed_reads(client: "Client", settings: JobSettings) -> Iterator[SealedReads]:
    """Reads that all see the warehouse as it was when the first of them began."""
    with snapshot(client) as session_id:
        yield SealedReads(client, settings, session_id)
