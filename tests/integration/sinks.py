"""Every sink there is, and what a test of them needs: small batches as the stream stages them, and what a sink holds.

Belongs here: the list of sinks, reading each, making batches. Does not belong here: what is asked of a sink
(test_every_sink). A new sink is one entry of EVERY_SINK.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake.exceptions import CommitFailedError
from msgspec import structs

from orchestration.scenarios.harness.sandbox import event_at
from spark_jobs.contract.payment_event import WATERMARK_MICROSECONDS, Disposition
from spark_jobs.contract.times import to_microseconds
from spark_jobs.crash_points import Point
from spark_jobs.deduplication.dispositions import DISPOSITIONS
from spark_jobs.deduplication.state import NOTHING_SEEN
from spark_jobs.publishing.batch import Batch, Interval
from spark_jobs.publishing.control import Control, new_name
from spark_jobs.publishing.protocol import BatchPublisher, Store
from spark_jobs.reading.contracts import contract_of_now
from spark_jobs.reading.records import read_records
from spark_jobs.settings import BIGQUERY, DELTA, JobSettings
from spark_jobs.sinks.delta.publisher import RETRACTED
from spark_jobs.sinks.delta.tables import METRICS, open_table, query
from spark_jobs.sinks.open_store import open_store
from spark_jobs.streaming import staged_files
from spark_jobs.streaming.tally import BucketTally, add_up, count_up, log_days_of, payment_days_of
from spark_jobs.tables import catalog
from spark_jobs.tables.columns import Table
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.ledger_digest import claims, content_hash, digest
from spark_jobs.tables.names import table_id
from spark_jobs.tables.row_types import Row
from spark_jobs.warehouse.client import connect, run

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
COUNTS = {d: f"{d.lower()}_count" for d in DISPOSITIONS}


def first() -> Control:
    """What a pipeline begins with. No other has its generation: a sink may name its jobs by it."""
    return Control("payments", "payment-events", "id", 0, "", new_name(), 0, {0: 0, 1: 0}, None, NOON)


@dataclass(frozen=True)
class Held:
    """What a sink tells its readers: rows under the catalog's names. `kept` are payments that came twice."""

    deliveries: list[Row]
    payments: list[Row]
    ledger: list[Row]
    incidents: list[Row]
    kept: list[Row]

    def places(self) -> list[tuple[int, int, str]]:
        """Partition, offset and disposition of each delivery."""
        return sorted((r["kafka_partition"], r["kafka_offset"], r["disposition"]) for r in self.deliveries)

    def ids(self) -> list[str]:
        """The payments' ids."""
        return sorted(row["transaction_id"] for row in self.payments)


@dataclass(frozen=True)
class Sink:
    """A sink: how it is asked for, how it is read, and what its commit's answer being lost looks like.

    `unanswered` is a crash point after the commit was sent, and what the sink's client raises where no answer comes.
    `asks_again` is whether a publisher that raised may be asked again. A mirror follows the batch as its own process
    published it, so a new publisher is opened instead, as the driver always does.
    """

    name: str
    sinks: tuple[str, ...]
    held: Callable[[JobSettings], Held]
    unanswered: tuple[Point, Exception]
    asks_again: bool = True


def in_warehouse(settings: JobSettings) -> Held:
    """What BigQuery holds."""
    with connect(settings) as client:

        def rows(table: Table, where: str = "true") -> list[Row]:
            return run(client, f"select * from `{table_id(settings, table)}` where {where}", {})

        retracted = f"kind = '{Correction.RETRACTED_DUPLICATE}'"
        return Held(
            rows(catalog.DELIVERIES),
            rows(catalog.TRANSACTIONS),
            rows(catalog.LEDGER),
            rows(catalog.INCIDENTS),
            rows(catalog.CORRECTIONS, retracted),
        )


def in_delta(settings: JobSettings) -> Held:
    """What Delta holds where it is alone; readers leave out what the control row does not cover."""
    [control] = _delta_rows(settings, catalog.CONTROL)
    batches = (catalog.DELIVERIES, catalog.TRANSACTIONS, METRICS, RETRACTED)
    deliveries, payments, ledger, kept = (
        [row for row in _delta_rows(settings, table) if row["batch_id"] <= control["last_batch_id"]]
        for table in batches
    )
    return Held(deliveries, payments, ledger, _delta_rows(settings, catalog.INCIDENTS), kept)


def in_both(settings: JobSettings) -> Held:
    """What BigQuery holds; where Delta holds anything else the test fails."""
    held = in_warehouse(settings)
    for table, given in ((catalog.DELIVERIES, held.deliveries), (catalog.TRANSACTIONS, held.payments)):
        assert sorted(_delta_rows(settings, table), key=_place) == sorted(given, key=_place)
    metrics = {(row["batch_id"], row["digest"], row["delivered"]) for row in _delta_rows(settings, METRICS)}
    assert metrics == {(row["batch_id"], row["digest"], row["delivered"]) for row in held.ledger}
    return held


def _delta_rows(settings: JobSettings, table: Table) -> list[Row]:
    return [row for part in query(open_table(settings, table), "select * from t") for row in part.to_pylist()]


def _place(row: Row) -> tuple[int, int]:
    return row["kafka_partition"], row["kafka_offset"]


EVERY_SINK = (
    Sink("bigquery", (BIGQUERY,), in_warehouse, (Point.COMMIT_SENT, ConnectionError("no answer"))),
    Sink("delta", (DELTA,), in_delta, (Point.DELTA_WRITTEN, CommitFailedError("no answer"))),
    Sink(
        "bigquery and delta",
        (BIGQUERY, DELTA),
        in_both,
        (Point.COMMIT_SENT, ConnectionError("no answer")),
        asks_again=False,
    ),
)


@dataclass(frozen=True)
class Record:
    """A delivery: its payment, the tag that the stream gave it, and where it lies. QUARANTINED ones are no JSON."""

    id: str
    disposition: Disposition = Disposition.UNIQUE
    event_time: datetime = NOON
    partition: int = 0
    amount: str = "12.30"
    currency: str = "EUR"

    @property
    def value(self) -> bytes:
        """The record's bytes."""
        if self.disposition is Disposition.QUARANTINED:
            return b"no JSON"
        return event_at(self.id, self.event_time, amount=self.amount, currency=self.currency)


def batch_of(settings: JobSettings, control: Control, *records: Record) -> Batch:
    """The batch of these records that follows on `control`, staged as the stream does it: a file for each partition."""
    offsets = dict(control.end_offsets)
    rows: list[Row] = []
    for record in records:
        rows.append({"partition": record.partition, "offset": offsets[record.partition], "value": record.value})
        offsets[record.partition] += 1
    kafka = pa.RecordBatch.from_pylist(
        [row | {"timestamp": NOON + timedelta(hours=6, seconds=row["offset"]), "key": b"key"} for row in rows],
        schema=pa.schema(
            [
                *(("partition", pa.int32()), ("offset", pa.int64()), ("timestamp", pa.timestamp("us", "UTC"))),
                *(("key", pa.binary()), ("value", pa.binary())),
            ]
        ),
    )
    read = read_records(kafka)
    is_wrong = [bool(reasons) for reasons in read["reasons"].to_pylist()]
    assert is_wrong == [record.disposition is Disposition.QUARANTINED for record in records]
    tags = np.array([DISPOSITIONS.index(record.disposition) for record in records], dtype=np.int8)
    tagged = staged_files.with_dispositions(read, tags)
    watermark = to_microseconds(control.watermark)
    newest = NOTHING_SEEN if watermark is None else watermark + WATERMARK_MICROSECONDS
    valid = [record.event_time for record in records if record.disposition is not Disposition.QUARANTINED]
    newest = max([newest, *(to_microseconds(moment) or 0 for moment in valid)])
    tallies = []
    for number in sorted({record.partition for record in records}):
        mine = tagged.filter(pa.array([record.partition == number for record in records]))
        partitions, amounts, percentiles = count_up(mine)
        uri = staged_files.write(mine, f"{settings.staging_location}/{control.generation}")
        counts = (mine.num_rows, partitions, amounts, percentiles)
        one = BucketTally(number, uri, *counts, watermark, newest, 1, 12)
        tallies.append(structs.replace(one, log_days=log_days_of(mine), payment_days=payment_days_of(mine)))
    return Batch(control.last_batch_id, Interval(control.end_offsets, offsets), add_up(tallies), NOON, 0.5)


def begin(store: Store, holder: str = "run") -> BatchPublisher:
    """A run, as far as its first batch."""
    store.prepare(contract_of_now())
    control = store.raise_epoch(holder, first())
    store.sweep(control)
    return store.publisher(control)


@contextmanager
def opened(settings: JobSettings) -> Iterator[Store]:
    """The store, as a process that has just begun opens it."""
    with open_store(settings) as store:
        yield store


def assert_held(held: Held, control: Control) -> None:
    """Whatever a sink holds: each offset once, payments and ledger agree with it, and the digests are a chain."""
    places = Counter((row["kafka_partition"], row["kafka_offset"]) for row in held.deliveries)
    assert set(places.values()) <= {1}
    assert sorted(places) == [(p, n) for p, end in sorted(control.end_offsets.items()) for n in range(end)]
    new = [_payment(row) for row in held.deliveries if row["disposition"] == Disposition.UNIQUE]
    assert sorted(map(_payment, held.payments)) == sorted(new)
    assert len(set(held.ids())) == len(held.payments)
    ledger = sorted(held.ledger, key=lambda row: row["batch_id"])
    assert [row["batch_id"] for row in ledger] == list(range(1, control.last_batch_id + 1))
    previous = ""
    for row in ledger:
        mine = [delivery for delivery in held.deliveries if delivery["batch_id"] == row["batch_id"]]
        counts = Counter(delivery["disposition"] for delivery in mine)
        assert {d: row[name] for d, name in COUNTS.items()} == {d: counts[d] for d in DISPOSITIONS}
        assert row["delivered"] == len(mine)
        assert row["digest"] == digest_of(row, mine, control, previous)
        previous = row["digest"]
    assert control.digest == previous


def _payment(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("transaction_id", "amount_minor", "kafka_partition", "kafka_offset"))


def digest_of(row: Row, deliveries: list[Row], control: Control, previous: str) -> str:
    """A batch's digest, from nothing but its deliveries and its row of the ledger."""
    start, end = json.loads(row["start_offsets"]), json.loads(row["end_offsets"])
    partitions = []
    for number in end:
        counts = Counter(r["disposition"] for r in deliveries if r["kafka_partition"] == int(number))
        span = {"kafka_partition": int(number), "start_offset": start[number], "end_offset": end[number]}
        partitions.append(span | {"delivered": counts.total()} | {name: counts[d] for d, name in COUNTS.items()})
    money: dict[tuple[str, str], list[int]] = {}
    for delivery in deliveries:
        money.setdefault((delivery["disposition"], delivery["currency"] or ""), []).append(
            delivery["amount_minor"] or 0
        )
    amounts = [
        {"disposition": d, "currency": c, "record_count": len(minor), "amount_minor": sum(minor)}
        for (d, c), minor in money.items()
    ]
    given = row | {"pipeline": control.pipeline, "topic": control.topic}
    hashed = sorted((r["kafka_partition"], r["kafka_offset"], r["value_sha256"]) for r in deliveries)
    return digest(claims(given, partitions, amounts, previous), content_hash(hashed), row["published_at"])


def settings_of(sink: Sink, shared: JobSettings, folder: Any) -> JobSettings:
    """A place of the test's own in a sink."""
    return replace(
        shared,
        sinks=sink.sinks,
        checkpoint_location=(folder / "checkpoints").as_uri(),
        staging_location=(folder / "staging").as_uri(),
        delta_location=(folder / "delta").as_uri(),
    )
