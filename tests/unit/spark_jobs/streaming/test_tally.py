"""Counts and money of a batch, held against Counter and Python's whole numbers."""

import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from spark_jobs.contract.payment_event import Disposition
from spark_jobs.deduplication.state import NOTHING_SEEN
from spark_jobs.streaming import tally as tallies
from spark_jobs.streaming.staged_files import STAGED_SCHEMA
from spark_jobs.streaming.tally import (
    Amount,
    BucketTally,
    PartitionCount,
    add_up,
    count_up,
    ends_of,
    log_days_of,
    payment_days_of,
)

StagedRow = tuple[int, int, int, str, str | None, int | None]
NAMES = ("kafka_partition", "kafka_offset", "kafka_timestamp", "disposition", "currency", "amount_minor")
TIMESTAMP = 1_795_262_401_000_001

dispositions = st.sampled_from([d.value for d in Disposition])
rows = st.tuples(
    st.integers(0, 3),
    st.integers(0, 2**62),
    st.integers(TIMESTAMP, TIMESTAMP + 10**9),
    dispositions,
    st.sampled_from(["EUR", "JPY", None]),
    st.none() | st.integers(1, 10**16),
)


def staged(given_rows: list[StagedRow]) -> pa.Table:
    columns = list(zip(*given_rows, strict=True)) if given_rows else [()] * len(NAMES)
    schema = pa.schema([STAGED_SCHEMA.field(name) for name in NAMES])
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def bucket_tally(
    given_rows: list[StagedRow], bucket: int = 0, uri: str | None = None, watermark: int | None = None
) -> BucketTally:
    partitions, amounts, percentiles = count_up(staged(given_rows))
    newest = max((row[2] for row in given_rows), default=NOTHING_SEEN)
    size = len(given_rows)
    return BucketTally(bucket, uri, size, partitions, amounts, percentiles, watermark, newest, size, 12 * size)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(rows, max_size=30), max_size=5))
def test_the_tally_of_all_buckets_counts_every_record_and_every_minor_unit(buckets: list[list[StagedRow]]) -> None:
    tally = add_up(tallies.decode(tallies.encode(bucket_tally(bucket))) for bucket in buckets)
    every = [row for bucket in buckets for row in bucket]
    counts = Counter((row[0], row[3]) for row in every)
    money: Counter[tuple[str, str]] = Counter()
    records: Counter[tuple[str, str]] = Counter()
    for _, _, _, disposition, currency, minor in every:
        money[disposition, currency or ""] += minor or 0
        records[disposition, currency or ""] += 1
    assert tally.partition_counts == counts
    assert tally.amounts == {name: (records[name], money[name]) for name in records}
    assert tally.delivered == len(every) == sum(tally.count(d) for d in Disposition)
    for partition in range(4):
        delivered = sum(row[0] == partition for row in every)
        assert tally.delivered_in(partition) == delivered == sum(tally.count(d, partition) for d in Disposition)
    assert tally.state_keys * 12 == tally.state_bytes == 12 * len(every)


def test_sums_beyond_64_bits_are_exact() -> None:
    largest = 10**16
    table = staged([(0, offset, TIMESTAMP, "UNIQUE", "CLF", largest) for offset in range(2_000)])
    assert count_up(table)[1] == (Amount("UNIQUE", "CLF", 2_000, 2_000 * largest),)
    assert 2_000 * largest > 2**63
    tally = add_up([bucket_tally([(0, n, TIMESTAMP, "UNIQUE", "CLF", largest) for n in range(1_000)])] * 3)
    assert tally.amounts["UNIQUE", "CLF"] == (3_000, 3_000 * largest)


def test_a_partition_knows_its_first_and_last_offset() -> None:
    table = staged([(1, offset, TIMESTAMP, "LATE", "EUR", 1) for offset in (7, 2**53 + 1, 3)])
    assert count_up(table)[0] == (PartitionCount(1, "LATE", 3, 3, 2**53 + 1),)


def test_no_records_count_nothing() -> None:
    assert count_up(staged([])) == ((), (), ())
    tally = add_up([bucket_tally([]), bucket_tally([])])
    assert (tally.delivered, tally.uris, tally.max_event_time) == (0, (), NOTHING_SEEN)
    assert tally.kafka_timestamp_percentile(50) is None
    assert add_up([]).watermarks == frozenset()


def test_an_empty_bucket_names_no_file_and_moves_no_percentile() -> None:
    full = bucket_tally([(0, 1, TIMESTAMP, "UNIQUE", "EUR", 1)], uri="file:///a")
    tally = add_up([bucket_tally([], bucket=1), full])
    assert tally.uris == ("file:///a",)
    assert tally.kafka_timestamp_percentile(0) == TIMESTAMP


def test_buckets_that_judged_by_different_watermarks_are_told_apart() -> None:
    tally = add_up([bucket_tally([], watermark=1), bucket_tally([], watermark=None), bucket_tally([], watermark=1)])
    assert tally.watermarks == {1, None}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(TIMESTAMP, TIMESTAMP + 10**12), min_size=1, max_size=50), min_size=1, max_size=4))
def test_the_first_and_last_timestamp_are_exact_and_percentiles_never_fall(buckets: list[list[int]]) -> None:
    tally = add_up(bucket_tally([(0, 0, at, "UNIQUE", None, None) for at in bucket]) for bucket in buckets)
    found = [tally.kafka_timestamp_percentile(p) for p in range(101)]
    every = sorted(at for bucket in buckets for at in bucket)
    assert (found[0], found[100]) == (every[0], every[-1])
    assert [at for at in found if at is not None] == sorted(at for at in found if at is not None)
    assert set(found) <= set(every)


@pytest.mark.parametrize("sizes", [(10_000,), (9_000, 1_000), (5_000, 4_990, 10)])
def test_a_percentile_across_buckets_is_right_to_a_hundredth_of_the_records(sizes: tuple[int, ...]) -> None:
    chance = random.Random(1)  # noqa: S311 - timestamps that can be drawn again
    buckets = [[TIMESTAMP + chance.randrange(10**9) for _ in range(size)] for size in sizes]
    tally = add_up(bucket_tally([(0, 0, at, "UNIQUE", None, None) for at in bucket]) for bucket in buckets)
    every = np.sort(np.concatenate(buckets))
    for percentile in (5, 50, 95):
        rank = np.searchsorted(every, tally.kafka_timestamp_percentile(percentile) or 0) / len(every)
        assert rank == pytest.approx(percentile / 100, abs=0.02)


def test_ignored_records_are_counted_by_rule_over_all_buckets() -> None:
    table = pa.table(
        {
            "disposition": ["IGNORED", "QUARANTINED", "IGNORED", "IGNORED", "UNIQUE"],
            "reasons": pa.array([["refund"], ["INVALID_JSON"], ["test-mode"], ["refund"], []], pa.list_(pa.string())),
        }
    )
    counted = tallies.count_ignored(table)
    assert counted == {"refund": 2, "test-mode": 1}
    both = [
        replace(bucket_tally([]), ignored_by_rule=counted),
        replace(bucket_tally([]), ignored_by_rule={"refund": 1}),
    ]
    added = add_up(tallies.decode(tallies.encode(one)) for one in both)
    assert added.ignored_by_rule == {"refund": 3, "test-mode": 1}


def test_each_partitions_last_record_and_newest_valid_event_time_are_told_whatever_the_buckets() -> None:
    def records(*rows: tuple[int, int, str, int]) -> pa.Table:
        names = ("kafka_partition", "kafka_offset", "disposition", "event_time", "value_sha256")
        columns = list(zip(*((*row, bytes([row[1]]) * 32) for row in rows), strict=True))
        schema = pa.schema([STAGED_SCHEMA.field(name) for name in names])
        return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)

    one = ends_of(records((0, 5, "UNIQUE", 70), (0, 9, "QUARANTINED", 99), (2, 1, "IGNORED", 50)))
    other = ends_of(records((0, 7, "LATE", 80), (2, 0, "DUPLICATE", 40)))
    assert [(e.partition, e.offset, e.max_event_time) for e in one] == [(0, 9, 70), (2, 1, NOTHING_SEEN)]
    assert [(e.partition, e.offset, e.max_event_time) for e in other] == [(0, 7, 80), (2, 0, 40)]
    buckets = [replace(bucket_tally([]), ends=ends) for ends in (one, other)]
    for order in (buckets, buckets[::-1]):
        tally = add_up(tallies.decode(tallies.encode(bucket)) for bucket in order)
        assert tally.last_records == {0: (9, "09" * 32), 2: (1, "01" * 32)}


def test_of_no_records_there_is_no_end() -> None:
    assert ends_of(STAGED_SCHEMA.empty_table()) == ()


def test_the_days_of_a_batch_are_those_of_its_log_and_of_its_unique_records() -> None:
    day = 86_400_000_000
    times = pa.array([5 * day, 8 * day - 1, 3 * day, None, -1], pa.timestamp("us", tz="UTC"))
    written = pa.array([9 * day + at for at in range(5)], pa.timestamp("us", tz="UTC"))
    names = ["UNIQUE", "UNIQUE", "LATE", "QUARANTINED", "UNIQUE"]
    tagged = pa.table({"disposition": names, "event_time": times, "kafka_timestamp": written})
    assert payment_days_of(tagged) == (5, 7, -1)
    assert log_days_of(tagged) == (9,)
    assert payment_days_of(tagged.slice(2, 2)) == ()
    buckets = [replace(bucket_tally([]), log_days=(9,), payment_days=days) for days in ((5, 7), (), (7, 2))]
    whole = add_up(tallies.decode(tallies.encode(each)) for each in buckets)
    assert (whole.log_days, whole.payment_days) == ((9,), (2, 5, 7))
