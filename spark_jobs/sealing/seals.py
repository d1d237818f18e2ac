"""A seal: what a day came to, chained to the seal before it. Pure.

Belongs here: the seal, its digest, and which days are over. Does not belong here: reading and writing (seal_days).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from spark_jobs.sealing.hash_tree import SEPARATOR
from spark_jobs.sealing.verify_proof import sha256
from spark_jobs.tables.row_types import ReadRow
from spark_jobs.utc_days import beginning_of

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Seal:
    """A row of day_seals; `amounts` is by currency in minor units, as JSON with sorted keys."""

    seal_id: int
    day: date
    payment_count: int
    amounts: str
    hash_total: Decimal
    tree_depth: int
    tree_root: str
    last_batch_id: int
    ledger_digest: str
    correction_count: int
    erasure_count: int
    sealed_by: str
    code_version: str
    sealed_at: datetime
    previous_digest: str
    digest: str = ""

    @classmethod
    def of_row(cls, row: ReadRow) -> Self:
        """From a row of the warehouse."""
        return cls(**{field.name: row[field.name] for field in fields(cls)})

    def as_texts(self) -> dict[str, str]:
        """Every column as the text that the digest covers: a time as microseconds since 1970, a day as YYYY-MM-DD."""
        micros = (self.sealed_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        reported = {field.name: getattr(self, field.name) for field in fields(self)}
        reported |= {"sealed_at": micros, "hash_total": int(self.hash_total)}
        return {name: str(value) for name, value in reported.items()}

    def true_digest(self) -> str:
        """The digest that the other columns come to."""
        texts = self.as_texts()
        return sha256(SEPARATOR.join(text for name, text in texts.items() if name != "digest"))

    def sealed(self) -> Self:
        """The same with its digest."""
        return replace(self, digest=self.true_digest())


@dataclass(frozen=True, slots=True)
class Sums:
    """What the payments of a day come to; amounts are by currency in minor units."""

    payments: int
    amounts: Mapping[str, int]
    hash_total: Decimal

    @classmethod
    def of_rows(cls, rows: Iterable[ReadRow]) -> Self:
        """From rows by currency."""
        found = list(rows)
        return cls(
            sum(int(row["payment_count"]) for row in found),
            {row["currency"]: int(row["amount_minor"]) for row in found},
            Decimal(sum(int(row["hash_total"]) for row in found)),
        )

    def amounts_as_text(self) -> str:
        """As a seal keeps them."""
        return json.dumps(self.amounts, sort_keys=True, separators=(",", ":"))


def bounds(day: date) -> dict[str, Any]:
    """A day's first moment, and the first of the next."""
    since = beginning_of(day)
    return {"since": since, "until": since + DAY}


def last_closed_day(watermarks: Sequence[datetime | None], now: datetime, after: timedelta) -> date | None:
    """The newest day that no batch can add a payment to, and that is over for so long; None where there is none.

    Args:
        watermarks: of every pipeline that publishes into the dataset; None where it has none yet.
        now: the clock.
        after: how long a day must be over: its senders' reports are due by then.
    """
    known = [watermark for watermark in watermarks if watermark is not None]
    if not known or len(known) < len(watermarks):
        return None
    return min(*known, now - after).astimezone(UTC).date() - DAY


def days_to_seal(newest: date | None, closed: date | None, with_payments: Sequence[date]) -> list[date]:
    """Which days are sealed now, in order.

    Args:
        newest: the day that was sealed last; None where none was.
        closed: the newest day that may be sealed.
        with_payments: the days that have payments; asked only where nothing is sealed yet.
    """
    if closed is None:
        return []
    if newest is None:
        return sorted(day for day in with_payments if day <= closed)
    return [newest + DAY * number for number in range(1, (closed - newest).days + 1)]


def broken_links(seals: Sequence[Seal]) -> list[str]:
    """What is wrong with a chain, in words: altered, missing or out of order."""
    found = []
    previous = ""
    for number, seal in enumerate(sorted(seals, key=lambda seal: seal.seal_id), start=1):
        if seal.seal_id != number:
            found.append(f"seal {number} is missing, or there more than once")
            return found
        if seal.digest != seal.true_digest():
            found.append(f"the seal of {seal.day} is not as it was made: its digest covers other values")
        if seal.previous_digest != previous:
            found.append(f"the seal of {seal.day} does not follow on the seal before it")
        previous = seal.digest
    return found
