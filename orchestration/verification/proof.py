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
from orchestration.verification.warehouse_reads import WarehouseReads
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

    `not_reread` counts kept records that the contract of their batch could not judge again, by why.
    """

    partitions: list[PartitionTally]
    expected: list[PartitionTally]
    matched: list[PartitionTally]
    breaks: list[Break]
    accepted_gaps: Sequence[Row] = ()
    not_reread: Mapping[str, int] = field(default_factory=dict)
    offsets: Sequence[OffsetTally] = ()

    @property
    def is_proved(self) -> bool:
        """Whether nothing breaks, and the manifest agrees where there is one."""
        return not self.breaks and self.expected == self.matched


def examine(settings: StackSettings, manifest: "Manifest | None") -> Verdict:
    """Read all tables as they are at one moment, apply every rule."""
    from spark_jobs.warehouse.client import connect

    with connect(settings.job, Work.VERIFY) as client:
        return judge(client, settings.job, manifest)


def judge(client: "bigquery.Client", job: JobSettings, manifest: "Manifest | None") -> Verdict:
    """The same, by a client that is there already."""
    last_offsets = manifest_rules.last_offsets(manifest) if manifest else {}
    with WarehouseReads(client, job).at_one_moment() as reads:
        evidence = gather(reads)
        counts, kept = reads.correction_counts(), reads.kept_records()
        versions = reads.whole_table(catalog.CONTRACT_VERSIONS)
        stored = reads.delivered_records(last_offsets)
        totals = reads.whole_table(catalog.CONTROL_TOTALS) if manifest else []
    again = rejudge(kept, evidence.ledger, versions)
    breaks = find_breaks(evidence) + missing_corrections(counts, evidence.control) + again.breaks
    held = tally(evidence.delivery_counts)
    offsets = offset_tally(evidence.ledger_partitions)
    if manifest is None:
        return Verdict(held, [], [], breaks, evidence.accepted_gaps, again.not_reread, offsets)
    breaks += manifest_rules.compare_records(manifest, stored) + manifest_rules.compare_control_totals(manifest, totals)
    matched = manifest_rules.tally_of_stored(manifest, stored)
    reported = manifest_rules.tally_of(manifest, manifest_rules.erased_of(stored))
    return Verdict(held, reported, matched, breaks, evidence.accepted_gaps, again.not_reread, offsets)


def gather(reads: WarehouseReads) -> Evidence:
    """All that the rules among the tables need."""
    return Evidence(
        ledger=reads.whole_table(catalog.LEDGER),
        ledger_partitions=reads.whole_table(catalog.LEDGER_PARTITIONS),
        ledger_amounts=reads.whole_table(catalog.LEDGER_AMOUNTS),
        control=reads.whole_table(catalog.CONTROL),
        accepted_gaps=reads.whole_table(catalog.ACCEPTED_GAPS),
        delivery_counts=reads.delivery_counts(),
        delivery_amounts=reads.delivery_amounts(),
        ignored_counts=reads.ignored_counts(),
        erasures=reads.whole_table(catalog.ERASURES),
        broken_records=reads.broken_records(),
    )


def as_dict(verdict: Verdict) -> dict[str, Any]:
    """The verdict for a program: `partitions` lists what the warehouse holds, `manifest` what was sent of it.

    `offsets` lists what the ledger says of the offsets.
    """
    answer: dict[str, Any] = {"ok": verdict.is_proved, "partitions": [asdict(row) for row in verdict.partitions]}
    answer["offsets"] = [asdict(row) for row in verdict.offsets]
    if verdict.expected:
        answer["manifest"] = [asdict(row) for row in verdict.expected]
    answer["accepted_gaps"] = [dict(gap) for gap in verdict.accepted_gaps]
    answer["not_reread"] = dict(verdict.not_reread)
    answer["breaks"] = [asdict(found) for found in verdict.breaks]
    return answer
