"""Whether a day of the ledger is as it was published: its batches' content and digests, made again and compared.

Belongs here: comparing; pure. Does not belong here: how a digest is made (spark_jobs.tables), reading
(audit_reads), printing. One rule for what to go on from: the digest that a batch's row carries, so that one break
does not make all that follows look broken.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby

from spark_jobs.tables.ledger_digest import NOTHING_BEFORE, claims, digest
from spark_jobs.tables.row_types import ReadRow


class Broken(StrEnum):
    """What can be wrong with a batch."""

    BATCH_MISSING = "BATCH_MISSING"
    BATCH_DOUBLED = "BATCH_DOUBLED"
    CONTENT_DIFFERS = "CONTENT_DIFFERS"
    LEDGER_DIFFERS = "LEDGER_DIFFERS"
    NOT_LINKED = "NOT_LINKED"
    CONTROL_DIFFERS = "CONTROL_DIFFERS"
    OPENING_DIFFERS = "OPENING_DIFFERS"


DETAILS = {
    Broken.BATCH_MISSING: "{} not in the ledger",
    Broken.BATCH_DOUBLED: "the ledger has more than one row of it",
    Broken.CONTENT_DIFFERS: "its rows of payment_deliveries are not those that were published",
    Broken.LEDGER_DIFFERS: "its ledger rows, or what they follow on, are not what its digest was made of",
    Broken.NOT_LINKED: "what it follows on is missing, so its digest proves nothing",
    Broken.CONTROL_DIFFERS: "pipeline_control ends before it, or carries another digest",
    Broken.OPENING_DIFFERS: "it does not follow on the digest that was given",
}
EXPIRED = "its records have expired, and its ledger rows are what its digest was made of"


@dataclass(frozen=True, slots=True)
class DayEvidence:
    """What was read of one day. `before` and `after` are its neighbours in the ledger, by time.

    `content` is by batch what its deliveries hash to; of those in `expired` it is not known any more. `newest` is the
    control row, None where there is none.
    """

    day: date
    batches: Sequence[ReadRow]
    partitions: Sequence[ReadRow]
    amounts: Sequence[ReadRow]
    content: Mapping[int, str]
    before: ReadRow | None
    after: ReadRow | None
    newest: ReadRow | None
    expired: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class BatchVerdict:
    """One batch, or the first of several that are missing; `broken` is None where all is well."""

    batch_id: int
    broken: Broken | None
    detail: str = ""
    published_at: datetime | None = None
    delivered: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class DayVerdict:
    """One day. Its closing digest is what the next day follows on."""

    day: date
    opening_digest: str
    closing_digest: str
    batches: list[BatchVerdict] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether no batch is broken."""
        return not any(batch.broken for batch in self.batches)


def judge(evidence: DayEvidence, opening: str | None = None) -> DayVerdict:
    """The day's verdict.

    Args:
        evidence: what was read.
        opening: the closing digest of the day before, as somebody wrote it down.
    """
    ordered = sorted(evidence.batches, key=lambda row: row["batch_id"])
    opened = evidence.before["digest"] if evidence.before else NOTHING_BEFORE
    found = [*_missing(evidence), *_judge_batches(evidence, ordered)]
    found.sort(key=lambda verdict: verdict.batch_id)
    if opening is not None and opening != opened:
        first = found[0].batch_id if found else _first_id(evidence)
        found.insert(0, _broken(first, Broken.OPENING_DIFFERS))
    return DayVerdict(evidence.day, opened, ordered[-1]["digest"] if ordered else opened, found)


def _first_id(evidence: DayEvidence) -> int:
    return evidence.before["batch_id"] + 1 if evidence.before else 1


def _missing(evidence: DayEvidence) -> Iterator[BatchVerdict]:
    """The numbers that should be here and are not, a run of them as one verdict."""
    present = {row["batch_id"] for row in evidence.batches}
    ends = [number + 1 for number in present]
    if evidence.after:
        ends.append(evidence.after["batch_id"])
    elif evidence.newest:
        ends.append(evidence.newest["last_batch_id"] + 1)
    absent = [number for number in range(_first_id(evidence), max(ends, default=0)) if number not in present]
    for _, run in groupby(enumerate(absent), key=lambda pair: pair[1] - pair[0]):
        (_, first), *more = run
        last = more[-1][1] if more else first
        which = f"batch {first} is" if first == last else f"batches {first} to {last} are"
        yield _broken(first, Broken.BATCH_MISSING, which)


def _judge_batches(evidence: DayEvidence, ordered: Sequence[ReadRow]) -> Iterator[BatchVerdict]:
    partitions, amounts = _by_batch(evidence.partitions), _by_batch(evidence.amounts)
    rows = Counter(row["batch_id"] for row in ordered)
    digests: dict[int, str] = {0: NOTHING_BEFORE}
    if evidence.before:
        digests[evidence.before["batch_id"]] = evidence.before["digest"]
    for row in ordered:
        number = row["batch_id"]
        broken = _first_break(
            row,
            is_doubled=rows[number] > 1,
            content=row["content_hash"] if number in evidence.expired else evidence.content.get(number, ""),
            told=_claims(row, partitions.get(number, []), amounts.get(number, []), digests.get(number - 1)),
            newest=evidence.newest,
        )
        digests[number] = row["digest"]
        gone = EXPIRED if number in evidence.expired else ""
        detail = DETAILS[broken] if broken else gone
        yield BatchVerdict(number, broken, detail, row["published_at"], row["delivered"], row["digest"])


def _first_break(
    row: ReadRow, *, is_doubled: bool, content: str, told: str | None, newest: ReadRow | None
) -> Broken | None:
    if is_doubled:
        return Broken.BATCH_DOUBLED
    if content != row["content_hash"]:
        return Broken.CONTENT_DIFFERS
    if told is None:
        return Broken.NOT_LINKED
    if digest(told, row["content_hash"], row["published_at"]) != row["digest"]:
        return Broken.LEDGER_DIFFERS
    # A control row that was set back ends before batches that are published.
    is_newest = newest is None or row["batch_id"] >= newest["last_batch_id"]
    if is_newest and (newest is None or newest["digest"] != row["digest"]):
        return Broken.CONTROL_DIFFERS
    return None


def _claims(
    row: ReadRow, partitions: Sequence[ReadRow], amounts: Sequence[ReadRow], previous: str | None
) -> str | None:
    return None if previous is None else claims(row, partitions, amounts, previous)


def _by_batch(rows: Iterable[ReadRow]) -> dict[int, list[ReadRow]]:
    found: dict[int, list[ReadRow]] = {}
    for row in rows:
        found.setdefault(row["batch_id"], []).append(row)
    return found


def _broken(batch_id: int, broken: Broken, *words: str) -> BatchVerdict:
    return BatchVerdict(batch_id, broken, DETAILS[broken].format(*words))
