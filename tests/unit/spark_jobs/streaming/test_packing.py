"""Records on their way to their buckets: none is lost, and each bucket gets a partition of its own."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.deduplication.buckets import _spark_hash, buckets_of, labels_of
from spark_jobs.deduplication.state import NOTHING_SEEN
from spark_jobs.reading.records import RECORD_SCHEMA
from spark_jobs.streaming import plan
from spark_jobs.streaming.packing import pack, unpack, write
from spark_jobs.streaming.plan import gather, pack_records
from tests.corpus.cases import event_bytes
from tests.unit.spark_jobs.stream import Record, columns, validated


def murmur3(value: int, seed: int = 42) -> int:
    """Murmur3 x86 32-bit over the four bytes of an int, as its author wrote it down."""
    h = np.uint32(seed)
    with np.errstate(over="ignore"):
        k = np.uint32(value) * np.uint32(0xCC9E2D51)
        k = (k << np.uint32(15)) | (k >> np.uint32(17))
        h ^= k * np.uint32(0x1B873593)
        h = (h << np.uint32(13)) | (h >> np.uint32(19))
        h = h * np.uint32(5) + np.uint32(0xE6546B64)
        h ^= np.uint32(4)
        h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        h ^= h >> np.uint32(16)
    return int(h.astype(np.int32))


def written(records: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    write(records, sink)
    return sink.getvalue()


@pytest.mark.parametrize("buckets", range(1, 65))
def test_every_bucket_has_a_label_that_leads_to_a_partition_of_its_own(buckets: int) -> None:
    labels = labels_of(buckets)
    assert len(set(labels)) == buckets
    assert [murmur3(label) % buckets for label in labels] == list(range(buckets))


@pytest.mark.parametrize(("value", "expected"), [(0, 933211791), (1, -559580957), (42, 29417773)])
def test_the_hash_is_sparks(value: int, expected: int) -> None:
    assert _spark_hash(value) == murmur3(value) == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=40), st.integers(1, 9))
def test_packing_loses_nothing_and_keeps_the_order_within_a_bucket(drawn: list[tuple[int, bool]], buckets: int) -> None:
    records = pa.table({"row": pa.array(range(len(drawn)), pa.int64())})
    hashes = [hashlib.md5(bytes([i]), usedforsecurity=False).digest() for i, _ in drawn]
    is_valid = np.array([flag for _, flag in drawn], bool)
    bucket = buckets_of(b"".join(hashes), is_valid, buckets)
    packed = pack(records, bucket, buckets, None)
    assert packed.max_event_time == NOTHING_SEEN
    unpacked = [unpack([written(table)])["row"].to_pylist() for table in packed.tables]
    assert unpacked == [np.flatnonzero(bucket == number).tolist() for number in range(buckets)]


def test_one_id_has_one_bucket_whatever_the_batch() -> None:
    digest = hashlib.md5(b"t-1", usedforsecurity=False).digest()
    alone = buckets_of(digest, np.array([True]), 7)
    among = buckets_of(bytes(16) * 5 + digest, np.array([False] * 5 + [True]), 7)
    assert alone[0] == among[-1] == int.from_bytes(digest[12:], "little") % 7


def test_records_without_an_id_to_trust_are_spread_over_the_buckets() -> None:
    assert set(buckets_of(bytes(16) * 8, np.zeros(8, bool), 4).tolist()) == {0, 1, 2, 3}


def test_unpacking_joins_the_packs_of_a_bucket_in_order() -> None:
    assert unpack([written(pa.table({"row": [n]})) for n in (1, 2)])["row"].to_pylist() == [1, 2]


def test_every_bucket_learns_the_newest_valid_event_time_of_all() -> None:
    values = [
        event_bytes({"event_time": '"2026-11-21T11:59:00Z"'}),
        event_bytes({"event_time": '"2026-11-21T11:59:30Z"', "amount": '"?"'}),
        event_bytes({"event_time": '"2026-11-21T11:58:00Z"'}),
        b"not JSON",
    ]
    packed = pack_records(columns([Record(value, offset=n) for n, value in enumerate(values)]), 3)
    assert packed.max_event_time == validated(values[0])["event_time"].cast(pa.int64())[0].as_py()
    assert pa.concat_tables(packed.tables).sort_by("kafka_offset")["raw_value"].to_pylist() == values


@pytest.mark.parametrize(("records", "size", "gathered"), [(3, 1 << 20, [3, 2]), (1 << 20, 1, [1, 1, 1, 1, 1])])
def test_few_batches_are_gathered_from_many_by_records_or_by_bytes(
    records: int, size: int, gathered: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "GATHERED_RECORDS", records)
    monkeypatch.setattr(plan, "GATHERED_BYTES", size)
    rows = columns([Record(event_bytes(), offset=n) for n in range(5)])
    batches = list(gather([rows.slice(0, 0), *(rows.slice(n, 1) for n in range(5))]))
    assert [batch.num_rows for batch in batches] == gathered
    assert [offset for batch in batches for offset in batch["offset"].to_pylist()] == list(range(5))


def test_of_no_records_one_batch_without_any_is_gathered_so_that_each_bucket_is_asked() -> None:
    for batches in ([], [columns([Record(event_bytes())]).slice(0, 0)]):
        [gathered] = gather(batches)
        assert gathered.num_rows == 0
        packed = pack_records(gathered, 3)
        assert [table.num_rows for table in packed.tables] == [0, 0, 0]
        assert packed.max_event_time == NOTHING_SEEN
        assert packed.tables[0].schema == RECORD_SCHEMA


def test_records_in_a_pack_have_the_schema_of_records() -> None:
    assert validated(event_bytes(), None).schema == RECORD_SCHEMA
