"""Whether the tables agree with each other: the conservation law and all that it rests on, over plain rows.

Belongs here: comparing; pure. Does not belong here: reading (warehouse_reads), the manifest (manifest_rules), printing.
Every row of every published table is told twice somewhere else: a row deleted, doubled or altered breaks a rule here.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from orchestration.verification.erasure_rules import erased_and_receipted, published_amounts, published_counts
from orchestration.verification.gap_rules import behind_gaps
from spark_jobs.contract.payment_event import ERASED, Disposition
from spark_jobs.tables.row_types import Row

_COUNTS = {d: f"{d.lower()}_count" for d in Disposition}


@dataclass(frozen=True, slots=True)
class Break:
    """One rule broken in one place."""

    rule: str
    where: str
    expected: object
    found: object


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was read: whole small tables, the large ones tallied, and the records that break a rule by themselves.

    `delivery_counts` is by batch, partition and disposition; `delivery_amounts` by batch, disposition and currency;
    `ignored_counts` by batch and rule of the mapping. Of batches up to `after_batch`, and of those that have `expired`,
    no record was looked at.
    """

    ledger: Sequence[Row] = ()
    ledger_partitions: Sequence[Row] = ()
    ledger_amounts: Sequence[Row] = ()
    control: Sequence[Row] = ()
    accepted_gaps: Sequence[Row] = ()
    delivery_counts: Sequence[Row] = ()
    delivery_amounts: Sequence[Row] = ()
    ignored_counts: Sequence[Row] = ()
    erasures: Sequence[Row] = ()
    broken_records: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    after_batch: int = 0
    expired: frozenset[int] = frozenset()

    def is_looked_at(self, row: Row) -> bool:
        """Whether the records of the row's batch were."""
        return row["batch_id"] > self.after_batch and row["batch_id"] not in self.expired

    def looked_at(self) -> "Evidence":
        """What is said of batches of which records were looked at."""
        return replace(
            self,
            ledger=list(filter(self.is_looked_at, self.ledger)),
            ledger_partitions=list(filter(self.is_looked_at, self.ledger_partitions)),
            ledger_amounts=list(filter(self.is_looked_at, self.ledger_amounts)),
            erasures=list(filter(self.is_looked_at, self.erasures)),
        )

    def said_of_others(self) -> list[Row]:
        """What the ledger, and receipts, say of the records of all other batches: as `delivery_counts`."""
        told = [
            {**row, "disposition": str(disposition), "record_count": row.get(name) or 0}
            for row in self.ledger_partitions
            if not self.is_looked_at(row)
            for disposition, name in _COUNTS.items()
        ]
        erased = [row for row in self.erasures if not self.is_looked_at(row)]
        told += [{**row, "record_count": -row["record_count"]} for row in erased]
        return told + [{**row, "disposition": ERASED} for row in erased]


@dataclass(frozen=True, slots=True)
class PartitionTally:
    """What the warehouse holds of one partition."""

    partition: int
    delivered: int
    unique: int
    duplicate: int
    late: int
    quarantined: int
    ignored: int = 0
    erased: int = 0


@dataclass(frozen=True, slots=True)
class OffsetTally:
    """What the ledger says of one partition's offsets: each gave a record, or is a hole that Kafka explains."""

    partition: int
    offsets: int
    delivered: int
    holes: int


def offset_tally(ledger_partitions: Sequence[Row]) -> list[OffsetTally]:
    """The offsets of all batches, by partition."""
    found: dict[int, list[int]] = {}
    for row in ledger_partitions:
        sums = found.setdefault(row["kafka_partition"], [0, 0, 0])
        for at, count in enumerate((row["end_offset"] - row["start_offset"], row["delivered"], _holes(row))):
            sums[at] += count
    return [OffsetTally(partition, *sums) for partition, sums in sorted(found.items())]


def find_breaks(evidence: Evidence) -> list[Break]:
    """Every break there is; none where the tables agree."""
    looked_at = evidence.looked_at()
    return [
        *_repeated("one row per batch", evidence.ledger, ("batch_id",)),
        *_repeated("one row per batch and partition", evidence.ledger_partitions, ("batch_id", "kafka_partition")),
        *_repeated("one row per batch, disposition and currency", evidence.ledger_amounts, _MONEY_KEY),
        *_repeated("one control row per pipeline", evidence.control, ("pipeline",)),
        *_repeated("a loss is accepted once", evidence.accepted_gaps, ("kafka_partition", "start_offset")),
        *_batches_follow_each_other(evidence.ledger, evidence.accepted_gaps),
        *_ledger_adds_up(evidence),
        *_partitions_add_up(evidence.ledger_partitions),
        *_deliveries_are_the_ledgers(looked_at),
        *_money_is_the_ledgers(looked_at),
        *_ignored_are_the_rules(looked_at),
        *_control_is_the_ledgers_end(evidence),
        *_records_keep_the_rules(evidence.broken_records),
    ]


def tally(delivery_counts: Iterable[Row]) -> list[PartitionTally]:
    """The table's own account, by partition."""
    counts: Counter[tuple[int, str]] = Counter()
    for row in delivery_counts:
        counts[row["kafka_partition"], row["disposition"]] += row["record_count"]
    return [
        PartitionTally(
            partition,
            sum(count for (at, _), count in counts.items() if at == partition),
            *(counts[partition, disposition] for disposition in (*Disposition, ERASED)),
        )
        for partition in sorted({at for at, _ in counts})
    ]


def _repeated(rule: str, rows: Sequence[Row], key: tuple[str, ...]) -> Iterator[Break]:
    counts = Counter(tuple(row[name] for name in key) for row in rows)
    for values, count in sorted(counts.items(), key=str):
        if count > 1:
            yield Break(rule, _at(dict(zip(key, values, strict=True))), 1, count)


def _batches_follow_each_other(ledger: Sequence[Row], gaps: Sequence[Row]) -> Iterator[Break]:
    batches = sorted(ledger, key=lambda row: row["batch_id"])
    if batches and batches[0]["batch_id"] != 1:
        yield Break("batches are numbered from 1", "batch_ledger", 1, batches[0]["batch_id"])
    ends: dict[int, int] = {}
    for before, after in pairwise(batches):
        where = f"batch {after['batch_id']}"
        if after["batch_id"] - before["batch_id"] > 1:
            yield Break("no batch is missing", where, before["batch_id"] + 1, after["batch_id"])
        ends |= offsets(before["end_offsets"])
        starts = offsets(after["start_offsets"])
        expected = behind_gaps({partition: ends.get(partition, 0) for partition in starts}, gaps)
        yield from _differences("a batch starts where the last one ended", where, expected, starts)
        for name in ("pipeline", "topic"):
            if after[name] != before[name]:
                yield Break(f"the {name} stays the same", where, before[name], after[name])
        if after["epoch"] < before["epoch"]:
            yield Break("the epoch never falls", where, before["epoch"], after["epoch"])
        if after["watermark"] != before["next_watermark"]:
            yield Break("the watermark is carried over", where, before["next_watermark"], after["watermark"])


def _ledger_adds_up(evidence: Evidence) -> Iterator[Break]:
    names = ("delivered", *_COUNTS.values())
    by_batch: dict[int, Counter[str]] = {}
    holes: Counter[int] = Counter()
    ranges: dict[int, dict[int, tuple[int, int]]] = {}
    for row in evidence.ledger_partitions:
        by_batch.setdefault(row["batch_id"], Counter()).update({name: row.get(name) or 0 for name in names})
        holes[row["batch_id"]] += _holes(row)
        span = (row["start_offset"], row["end_offset"])
        ranges.setdefault(row["batch_id"], {})[row["kafka_partition"]] = span
    for row in evidence.ledger:
        where = f"batch {row['batch_id']}"
        parts = by_batch.pop(row["batch_id"], Counter())
        told = {name: row.get(name) or 0 for name in names}
        yield from _differences("a batch is the sum of its partitions", where, {n: parts[n] for n in names}, told)
        if holes[row["batch_id"]] != _holes(row):
            yield Break("a batch's holes are its partitions'", where, holes[row["batch_id"]], _holes(row))
        starts, ends = offsets(row["start_offsets"]), offsets(row["end_offsets"])
        spans = {at: (starts.get(at, 0), end) for at, end in ends.items() if end != starts.get(at, 0)}
        found = {at: span for at, span in ranges.get(row["batch_id"], {}).items() if span[0] != span[1]}
        yield from _differences("a batch's offsets are those of its partitions", where, spans, found)
    for batch_id in by_batch:
        yield Break("a batch has its ledger row", f"batch {batch_id}", "a row of batch_ledger", "none")


def _partitions_add_up(rows: Sequence[Row]) -> Iterator[Break]:
    for row in rows:
        where = f"batch {row['batch_id']}, partition {row['kafka_partition']}"
        tagged = sum(row.get(name) or 0 for name in _COUNTS.values())
        if row["delivered"] != tagged:
            yield Break(
                "delivered = UNIQUE + DUPLICATE + LATE + QUARANTINED + IGNORED", where, row["delivered"], tagged
            )
        offset_count, accounted = row["end_offset"] - row["start_offset"], row["delivered"] + _holes(row)
        if offset_count != accounted or _holes(row) < 0:
            yield Break("offsets = delivered + holes", where, offset_count, accounted)


def _deliveries_are_the_ledgers(evidence: Evidence) -> Iterator[Break]:
    told = {
        (row["batch_id"], row["kafka_partition"], disposition): row[name]
        for row in evidence.ledger_partitions
        for disposition, name in _COUNTS.items()
        if row.get(name)
    }
    found = published_counts(evidence.delivery_counts, evidence.erasures)
    where = "batch, partition, disposition"
    yield from _differences("payment_deliveries holds what the ledger counts", where, told, found)
    receipted, erased = erased_and_receipted(evidence.delivery_counts, evidence.erasures)
    yield from _differences("an erased delivery has its receipt", "batch, partition", receipted, erased)
    spans = {(row["batch_id"], row["kafka_partition"]): row for row in evidence.ledger_partitions}
    times: dict[int, list[Any]] = {}
    for row in evidence.delivery_counts:
        times.setdefault(row["batch_id"], []).extend((row["min_kafka_timestamp"], row["max_kafka_timestamp"]))
        span = spans.get((row["batch_id"], row["kafka_partition"]))
        if span and not span["start_offset"] <= row["min_offset"] <= row["max_offset"] < span["end_offset"]:
            expected = f"{span['start_offset']}..{span['end_offset'] - 1}"
            where = f"batch {row['batch_id']}, partition {row['kafka_partition']}, {row['disposition']}"
            yield Break("offsets lie in their batch", where, expected, f"{row['min_offset']}..{row['max_offset']}")
    for row in evidence.ledger:
        if found_times := times.get(row["batch_id"]):
            told_times = (row["min_kafka_timestamp"], row["max_kafka_timestamp"])
            span_found = (min(found_times), max(found_times))
            if told_times != span_found:
                yield Break("timestamps span their batch", f"batch {row['batch_id']}", told_times, span_found)


_MONEY_KEY = ("batch_id", "disposition", "currency")


def _money_is_the_ledgers(evidence: Evidence) -> Iterator[Break]:
    told = published_amounts(evidence.ledger_amounts, ())
    found = published_amounts(evidence.delivery_amounts, evidence.erasures)
    yield from _differences("batch_ledger_amounts is the deliveries' money", ", ".join(_MONEY_KEY), told, found)


def _ignored_are_the_rules(evidence: Evidence) -> Iterator[Break]:
    """An erased record no longer says which rule ignored it: so many may be missing as its receipts count."""
    found: dict[int, Counter[str]] = {}
    for row in evidence.ignored_counts:
        found.setdefault(row["batch_id"], Counter())[row["rule"]] += row["record_count"]
    erased: Counter[int] = Counter()
    for row in evidence.erasures:
        erased[row["batch_id"]] += row["record_count"] if row["disposition"] == Disposition.IGNORED else 0
    for row in evidence.ledger:
        where = f"batch {row['batch_id']}"
        told = _by_rule(row.get("ignored_by_rule"))
        held = found.pop(row["batch_id"], Counter())
        counted = row.get("ignored_count") or 0
        if told.total() != counted:
            yield Break("ignored records are counted by rule", where, counted, dict(told))
        if held - told or (told - held).total() != erased[row["batch_id"]]:
            yield Break("payment_deliveries holds what each rule ignored", where, dict(told), dict(held))
    for batch_id, held in found.items():
        yield Break("payment_deliveries holds what each rule ignored", f"batch {batch_id}", {}, dict(held))


def _by_rule(text: str | None) -> Counter[str]:
    """What a ledger row says of each rule; nothing where it can't be read, which then does not add up."""
    try:
        return Counter[str]({rule: int(count) for rule, count in json.loads(text or "{}").items()})
    except (ValueError, TypeError, AttributeError):
        return Counter({"unreadable": -1})


def _control_is_the_ledgers_end(evidence: Evidence) -> Iterator[Break]:
    if not evidence.ledger:
        # A control row without a batch is a pipeline's beginning; one with batches has lost its ledger.
        for lost in (row for row in evidence.control if row["last_batch_id"]):
            yield Break(
                "the control row is the ledger's end", "pipeline_control: last_batch_id", 0, lost["last_batch_id"]
            )
        return
    if not evidence.control:
        yield Break("one control row per pipeline", "pipeline_control", 1, 0)
        return
    batches = sorted(evidence.ledger, key=lambda row: row["batch_id"])
    last = batches[-1]
    ends: dict[int, int] = {}
    for batch in batches:
        ends |= offsets(batch["end_offsets"])
    control = next((row for row in evidence.control if row["pipeline"] == last["pipeline"]), evidence.control[0])
    expected = {
        "pipeline": last["pipeline"],
        "topic": last["topic"],
        "last_batch_id": last["batch_id"],
        "watermark": last["next_watermark"],
    }
    yield from _differences("the control row is the ledger's end", "pipeline_control", expected, control)
    published = offsets(control["end_offsets"])
    # A partition that was never read is in the control row with its first offset, and in no batch.
    told = {partition: end for partition, end in published.items() if partition in ends}
    ends = behind_gaps(ends, evidence.accepted_gaps)
    yield from _differences("the control row ends where the ledger does", "partition", ends, told)
    if control["epoch"] < last["epoch"]:
        yield Break("the epoch never falls", "pipeline_control", last["epoch"], control["epoch"])


def _records_keep_the_rules(broken: Mapping[str, Sequence[Row]]) -> Iterator[Break]:
    for rule, rows in broken.items():
        for row in rows:
            yield Break(rule, f"{row['topic']} {row['kafka_partition']}:{row['kafka_offset']}", "", "broken")


def _differences(rule: str, where: str, expected: dict[Any, Any], found: dict[Any, Any]) -> Iterator[Break]:
    """Where the two differ. What is found under a key that nobody expects counts, unless `found` is a whole row."""
    is_row = all(isinstance(key, str) for key in expected)
    keys = expected if is_row else {**expected, **found}
    for key in keys:
        if expected.get(key) != found.get(key):
            yield Break(rule, f"{where}: {_key(key)}", expected.get(key), found.get(key))


def _holes(row: Row) -> int:
    """Of a row of either ledger table; one of before holes were counted has none."""
    return row.get("hole_count") or 0


def offsets(text: str) -> dict[int, int]:
    """Offsets by partition, from the ledger's JSON."""
    return {int(partition): offset for partition, offset in json.loads(text).items()}


def _key(key: object) -> str:
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _at(values: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
