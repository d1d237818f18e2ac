"""The proof of the promise: what is read, what is judged, and the verdict.

Belongs here: gathering evidence and judging it. Does not belong here: printing (cli), the rules themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from orchestration.settings import StackSettings
from orchestration.verification import manifest_rules
from orchestration.verification.correction_rules import missing_corrections
from orchestration.verification.ledger_rules import (
    Break,
    Evidence,
    OffsetTally,
    PartitionTally,
    find_breaks,
    offset_tally,
    tally,
)
from orchestration.verification.reparse_rules import rejudge
from orchestration.verification.scope import Scope
from orchestration.verification.warehouse_reads import WarehouseReads
from spark_jobs.retention.kept import EVERYTHING, Kept, Mark
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.row_types import Row
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from google.cloud import bigquery

    from simulator.sending.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verification found. `expected` is what the manifest says, `matched` what the warehouse holds of it.

    `not_reread` counts kept records that the contract of their batch could not judge again, by why. `scope` is what was
    looked at, where that is not everything. Of `expired_batches` not all records are `kept`; their ledger rows are.
    """

    partitions: list[PartitionTally]
    expected: list[PartitionTally]
    matched: list[PartitionTally]
    breaks: list[Break]
    accepted_gaps: Sequence[Row] = ()
    not_reread: Mapping[str, int] = field(default_factory=dict)
    offsets: Sequence[OffsetTally] = ()
    scope: Scope | None = None
    kept: Kept = EVERYTHING
    expired_batches: int = 0

    @property
    def is_proved(self) -> bool:
        """Whether nothing breaks, and the manifest agrees where there is one."""
        return not self.breaks and self.expected == self.matched

    def expired_days(self) -> dict[str, Mark]:
        """What has expired, with its mark."""
        marks = {
            "deliveries": self.kept.deliveries,
            "raw values": self.kept.raw_values,
            "payments": self.kept.payments,
        }
        return {name: mark for name, mark in marks.items() if mark}


def examine(settings: StackSettings, manifest: "Manifest | None", *, is_full: bool = True) -> Verdict:
    """Read all tables as they are at one moment, apply every rule.

    Without `is_full`, and without a manifest, days that are sealed are looked at by their seals alone.
    """
    from spark_jobs.warehouse.client import connect

    with connect(settings.job, Work.VERIFY) as client:
        return judge(client, settings.job, manifest, is_full=is_full or manifest is not None)


def judge(client: "bigquery.Client", job: JobSettings, manifest: "Manifest | None", *, is_full: bool = True) -> Verdict:
    """The same, by a client that is there already."""
    last_offsets = manifest_rules.last_offsets(manifest) if manifest else {}
    with WarehouseReads(client, job).at_one_moment() as every:
        ledger = every.whole_table(catalog.LEDGER)
        reads = every if is_full else every.of_unsealed_days(ledger)
        evidence = gather(reads, ledger)
        counts, kept = reads.correction_counts(), reads.kept_records()
        versions = reads.whole_table(catalog.CONTRACT_VERSIONS)
        stored = reads.delivered_records(last_offsets)
        totals = reads.whole_table(catalog.CONTROL_TOTALS) if manifest else []
    again = rejudge(kept, evidence.ledger, versions)
    breaks = find_breaks(evidence) + missing_corrections(counts, evidence.control) + again.breaks
    breaks += _broken_seals(client, job, reads.kept)
    held = tally([*evidence.delivery_counts, *evidence.said_of_others()])
    offsets = offset_tally(evidence.ledger_partitions)
    if manifest is None:
        gone = (reads.kept, len(evidence.expired))
        return Verdict(held, [], [], breaks, evidence.accepted_gaps, again.not_reread, offsets, reads.scope, *gone)
    breaks += manifest_rules.compare_records(manifest, stored) + manifest_rules.compare_control_totals(manifest, totals)
    matched = manifest_rules.tally_of_stored(manifest, stored)
    reported = manifest_rules.tally_of(manifest, manifest_rules.erased_of(stored))
    return Verdict(held, reported, matched, breaks, evidence.accepted_gaps, again.not_reread, offsets)


def _broken_seals(client: "bigquery.Client", job: JobSettings, kept: Kept) -> list[Break]:
    """The chain of all seals, which counts the days that have expired, and the newest sealed day."""
    from spark_jobs.sealing.recheck import recheck

    links, days = recheck(client, job, lambda seals: seals[-1:])
    problems = [("day_seals", problem) for problem in links]
    marks = [mark for mark in (kept.deliveries, kept.payments) if mark]
    if marks and not days:
        problems.append(
            ("day_seals", f"days before {max(m.kept_from for m in marks)} have expired, and none is sealed")
        )
    problems += [(f"{day.seal.day}", problem) for day in days for problem in day.problems]
    return [Break("a sealed day is as it was sealed", where, "", problem) for where, problem in problems]


def gather(reads: WarehouseReads, ledger: Sequence[Row]) -> Evidence:
    """All that the rules among the tables need."""
    expired = frozenset(row["batch_id"] for row in ledger if not reads.kept.are_deliveries_of(row))

    def whole(rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if row["batch_id"] not in expired]

    return Evidence(
        ledger=ledger,
        ledger_partitions=reads.whole_table(catalog.LEDGER_PARTITIONS),
        ledger_amounts=reads.whole_table(catalog.LEDGER_AMOUNTS),
        control=reads.whole_table(catalog.CONTROL),
        accepted_gaps=reads.whole_table(catalog.ACCEPTED_GAPS),
        delivery_counts=whole(reads.delivery_counts()),
        delivery_amounts=whole(reads.delivery_amounts()),
        ignored_counts=whole(reads.ignored_counts()),
        erasures=reads.whole_table(catalog.ERASURES),
        broken_records=reads.broken_records(),
        after_batch=reads.scope.after_batch if reads.scope else 0,
        expired=expired,
    )


def as_dict(verdict: Verdict) -> dict[str, Any]:
    """The verdict for a program: `partitions` lists what the warehouse holds, `manifest` what was sent of it.

    `offsets` lists what the ledger says of the offsets, `looked_at` which batches' records were read, where not all.
    """
    answer: dict[str, Any] = {"ok": verdict.is_proved, "partitions": [asdict(row) for row in verdict.partitions]}
    answer["offsets"] = [asdict(row) for row in verdict.offsets]
    if verdict.expected:
        answer["manifest"] = [asdict(row) for row in verdict.expected]
    if verdict.scope:
        answer["looked_at"] = {
            "after_batch": verdict.scope.after_batch,
            "sealed_until": verdict.scope.sealed_until.isoformat(),
        }
    gone = {name: mark.kept_from.isoformat() for name, mark in verdict.expired_days().items()}
    if gone:
        answer["expired"] = {**gone, "batches": verdict.expired_batches}
    answer["accepted_gaps"] = [dict(gap) for gap in verdict.accepted_gaps]
    answer["not_reread"] = dict(verdict.not_reread)
    answer["breaks"] = [asdict(found) for found in verdict.breaks]
    return answer
