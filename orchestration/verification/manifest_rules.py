"""Whether the warehouse says of each record what its sender says: the manifest, record by record, and its totals.

Belongs here: comparing with the manifest; pure. Does not belong here: reading either side, rules among tables
(ledger_rules).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import TYPE_CHECKING, Any

from orchestration.verification.ledger_rules import Break, PartitionTally, tally
from spark_jobs.contract.payment_event import ERASED
from spark_jobs.tables.row_types import Place, ReadRow

if TYPE_CHECKING:
    from simulator.sending.manifest import Manifest


_TOTAL = (
    *("day", "topic", "kafka_partition", "currency"),
    *("delivered_count", "delivered_amount_minor", "unique_count", "unique_amount_minor", "max_offset"),
)


def compare_records(manifest: "Manifest", stored: Iterable[ReadRow]) -> list[Break]:
    """Every record of the manifest that the warehouse lacks, holds twice, or describes otherwise.

    Args:
        manifest: what was sent.
        stored: rows with `kafka_partition`, `kafka_offset`, `disposition`, `reasons`, `value_sha256` (bytes); rows
            that are not in the manifest are somebody else's.
    """
    rows: dict[tuple[int, int], list[ReadRow]] = {}
    for row in stored:
        rows.setdefault((row["kafka_partition"], row["kafka_offset"]), []).append(row)
    return [
        found
        for record in manifest.deliveries
        for found in _compare_record(record, rows.get((record.partition, record.offset), []))
    ]


def compare_control_totals(manifest: "Manifest", table: Iterable[ReadRow]) -> list[Break]:
    """Whether `sender_control_totals` holds this sender's report, whole, once and unaltered."""
    reported = Counter(map(_total, manifest.control_totals()))
    found = Counter(_total(row) for row in table if row["source"] == manifest.header.source)
    return [
        Break("the sender's report is in the warehouse, once", " ".join(total), reported[total], found[total])
        for total in sorted(reported.keys() | found.keys())
        if reported[total] != found[total]
    ]


def tally_of(manifest: "Manifest", erased: Set[Place] = frozenset()) -> list[PartitionTally]:
    """What the sender says should be there, by partition; of what was `erased` since, that it is ERASED."""
    return tally(
        {
            "kafka_partition": record.partition,
            "disposition": ERASED if (record.partition, record.offset) in erased else record.disposition,
            "record_count": 1,
        }
        for record in manifest.deliveries
    )


def erased_of(stored: Iterable[ReadRow]) -> Set[Place]:
    """Where records lie that were erased."""
    return {(row["kafka_partition"], row["kafka_offset"]) for row in stored if row["disposition"] == ERASED}


def tally_of_stored(manifest: "Manifest", stored: Iterable[ReadRow]) -> list[PartitionTally]:
    """What the warehouse holds of the manifest's records, by partition."""
    sent = {(record.partition, record.offset) for record in manifest.deliveries}
    return tally(
        {"kafka_partition": row["kafka_partition"], "disposition": row["disposition"], "record_count": 1}
        for row in stored
        if (row["kafka_partition"], row["kafka_offset"]) in sent
    )


def last_offsets(manifest: "Manifest") -> dict[int, int]:
    """The highest offset of each partition in the manifest."""
    last: dict[int, int] = {}
    for record in manifest.deliveries:
        last[record.partition] = max(record.offset, last.get(record.partition, 0))
    return last


def _compare_record(record: Any, rows: Sequence[ReadRow]) -> Iterator[Break]:
    where = f"{record.partition}:{record.offset} ({record.kind})"
    if len(rows) != 1:
        yield Break("an acknowledged record is delivered once", where, 1, len(rows))
        return
    [row] = rows
    found = {
        "disposition": row["disposition"],
        "value_sha256": row["value_sha256"].hex(),
        "reasons": sorted(row["reasons"]),
    }
    expected = {
        "disposition": record.disposition.value,
        "value_sha256": record.sha256,
        "reasons": sorted(reason.value for reason in record.reasons),
    }
    # What was erased is still the same value at the same place, and says nothing more.
    names = ("value_sha256",) if row["disposition"] == ERASED else expected
    for name in names:
        value = expected[name]
        if found[name] != value:
            yield Break(f"{name} is what the sender says", where, value, found[name])


def _total(row: ReadRow) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in _TOTAL)
