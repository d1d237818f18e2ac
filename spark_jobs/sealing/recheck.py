"""Sealed days held against their seals: what the warehouse has now must be the seal and what was decided since.

Belongs here: comparing. Does not belong here: reading (sealed_reads), the chain (seals).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spark_jobs.sealing.sealed_reads import SealedReads, Since, sealed_reads
from spark_jobs.sealing.seals import Seal, broken_links
from spark_jobs.settings import JobSettings
from spark_jobs.warehouse.retries import failures_as_incidents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from google.cloud.bigquery import Client


@dataclass(frozen=True, slots=True)
class Rechecked:
    """One sealed day. `problems` are in words; `erased` payments are no longer there to be hashed."""

    seal: Seal
    problems: tuple[str, ...]
    corrected: int
    erased: int

    @property
    def is_good(self) -> bool:
        """Whether the day is as it was sealed."""
        return not self.problems


def recheck(
    client: "Client", settings: JobSettings, chosen: "Callable[[Sequence[Seal]], Iterable[Seal]]"
) -> tuple[list[str], list[Rechecked]]:
    """What is wrong with the chain, and each chosen day.

    The chain is read whole, a row a day; of a chosen day all payments are read. Of a day that has expired the seal is
    all that there is.

    Args:
        client: the warehouse.
        settings: names the tables.
        chosen: of the seals whose days are kept those whose days are looked at.
    """
    with failures_as_incidents(), sealed_reads(client, settings) as reads:
        seals = reads.seals()
        kept = reads.kept()
        there = [seal for seal in seals if kept.are_payments_of(seal.day)]
        return broken_links(seals), [_rechecked(reads, seal) for seal in chosen(there)]


def _rechecked(reads: SealedReads, seal: Seal) -> Rechecked:
    erased = reads.erased(seal)
    corrected = sum(abs(int(row["payment_count"])) for row in reads.corrected(seal))
    sums = reads.sums(seal.day, Since.sealed(seal))
    problems = []
    if sums.payments + erased != seal.payment_count:
        and_erased = f" and {erased} erased since" if erased else ""
        problems.append(f"{seal.payment_count} payments were sealed, and {sums.payments} are there{and_erased}")
    if not erased:
        if sums.amounts_as_text() != seal.amounts:
            problems.append(f"the sealed amounts are {seal.amounts}, and {sums.amounts_as_text()} are there")
        if sums.hash_total != seal.hash_total:
            problems.append("the records' values are not those that were sealed")
        if reads.root(seal.day, Since.sealed(seal), seal.tree_depth) != seal.tree_root:
            problems.append("the payments are not those that were sealed: the hash tree has another root")
    return Rechecked(seal, tuple(problems), corrected, erased)
