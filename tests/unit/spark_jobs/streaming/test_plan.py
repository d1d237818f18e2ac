"""The plan: a bucket is tagged where Spark keeps its state alone, and whatever a record is, it has one disposition."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark import TaskContext

from spark_jobs.contract.payment_event import Disposition, Reason
from spark_jobs.decoding import documents
from spark_jobs.decoding.columns import batches
from spark_jobs.decoding.registered import KEY_HEADER, VALUE_HEADER, Registered
from spark_jobs.decoding.registry import Schema, UnknownSchema
from spark_jobs.deduplication.buckets import labels_of
from spark_jobs.deduplication.checksums import Damaged
from spark_jobs.mapping.spec import read_mapping
from spark_jobs.streaming import plan as pipeline
from tests.corpus.cases import event_bytes
from tests.unit.spark_jobs.damage import damaged
from tests.unit.spark_jobs.decoding.test_registered import AVRO_BYTES, JSON_BYTES, LINE_BYTES, PROTO_BYTES, SCHEMAS
from tests.unit.spark_jobs.events import charge
from tests.unit.spark_jobs.mapping.drawn import accepted_mappings
from tests.unit.spark_jobs.stream import KAFKA_US, Record, Stream


@pytest.mark.parametrize("buckets", [1, 4, 7])
def test_a_bucket_in_a_partition_that_is_not_its_own_is_damage(buckets: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for partition in range(buckets + 1):
        context = SimpleNamespace(partitionId=lambda at=partition: at)
        monkeypatch.setattr(TaskContext, "get", lambda found=context: found)
        for place, label in enumerate(labels_of(buckets)):
            if place == partition:
                pipeline._check_place(label, buckets)
                continue
            with pytest.raises(Damaged, match="partition"):
                pipeline._check_place(label, buckets)


def test_outside_of_a_task_there_is_no_partition_to_trust() -> None:
    with pytest.raises(Damaged, match="partition None"):
        pipeline._check_place(0, 1)


@pytest.mark.parametrize(("minutes", "disposition"), [(30, "LATE"), (60, "UNIQUE")])
def test_what_is_late_depends_on_how_far_the_watermark_trails(tmp_path: Path, minutes: int, disposition: str) -> None:
    stream = Stream(tmp_path)
    stream.delay = minutes * 60_000_000
    stream.take([Record(event_bytes({}))])
    older = event_bytes({"transaction_id": '"t-2"', "event_time": '"2026-11-21T11:15:00Z"'})
    assert stream.take([Record(older)])["disposition"].to_pylist() == [disposition]


class Shelf:
    """A registry of the schemas that the bytes below were written by."""

    def schema(self, path: str) -> Schema:
        """What Registry's `schema` gives."""
        if path not in SCHEMAS:
            raise UnknownSchema(path)
        return SCHEMAS[path]


SHELF: Any = Shelf()
WRITTEN = st.sampled_from(
    [
        *(AVRO_BYTES, PROTO_BYTES, LINE_BYTES, JSON_BYTES, charge("p-1"), event_bytes()),
        b'{"specversion":"1.0","id":"e-1","source":"/shop","type":"paid","data":{"id":"p-1","amount":12.5}}',
        b'{"specversion":"1.0","id":"e-1","source":"/s","type":"t","data_base64":"eyJpZCI6MX0="}',
        b'{"op":"c","before":null,"after":{"id":7,"amount":"12.30"},"source":{"ts_ms":1795838221000}}',
        b'{"op":"d","before":{"id":7},"after":null,"source":{"ts_ms":1}}',
        b'{"schema":{"type":"struct"},"payload":{"op":"u","before":{"id":7},"after":{"id":7}}}',
        b'{"id":"p-1","__deleted":"true"}',
        b'{"a":' * 70 + b"1" + b"}" * 70,
        b'{"id":"\\ud800","amount":1e400,"amount":-0}',
    ]
)
NUMBERS = st.integers(-(10**40), 10**40) | st.floats(allow_nan=False) | st.booleans()
JSON_VALUES = st.recursive(
    st.none() | NUMBERS | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "amount", "data"]), inner),
    max_leaves=5,
)
VALUES = (
    st.none() | st.binary(max_size=40) | WRITTEN.flatmap(damaged) | JSON_VALUES.map(lambda v: json.dumps(v).encode())
)
HEADERS = st.none() | st.lists(
    st.tuples(
        st.sampled_from([VALUE_HEADER, KEY_HEADER, "ce_specversion", "ce_id", "ce_type", "ce_source", "content-type"]),
        st.none() | st.binary(max_size=18) | st.sampled_from([AVRO_BYTES[:5], b"1.0", b"application/json", b"\xff"]),
    ),
    max_size=5,
).map(tuple)
KEYS = st.none() | st.binary(max_size=8) | st.sampled_from([b'"p-1"', b'{"id":7}', b'{"payload":{"id":7}}', AVRO_BYTES])
TIMES_US = st.sampled_from([KAFKA_US, KAFKA_US, 0, -1, 2**62, -(2**62)])
RECORDS = st.lists(st.builds(Record, VALUES, key=KEYS, headers=HEADERS, timestamp_us=TIMES_US), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(accepted_mappings(), RECORDS)
def test_any_bytes_by_any_mapping_that_is_accepted_have_exactly_one_disposition(text: str, drawn: list[Record]) -> None:
    mapping = read_mapping(text)
    records = [replace(record, offset=offset) for offset, record in enumerate(drawn)]
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for module in (documents, batches):
            patch.setattr(module, "registered_of_process", lambda: Registered(SHELF))
        staged = Stream(Path(folder), mapping=mapping.to_json()).take(records).sort_by("kafka_offset")
    assert staged["kafka_offset"].to_pylist() == list(range(len(records)))
    rules = {rule.name for rule in mapping.rules}
    for row in staged.select(["disposition", "reasons", "raw_value"]).to_pylist():
        if row["disposition"] == Disposition.IGNORED:
            assert len(row["reasons"]) == 1
            assert set(row["reasons"]) <= rules
        elif row["disposition"] == Disposition.QUARANTINED:
            assert row["reasons"]
            assert set(row["reasons"]) <= set(Reason)
        else:
            assert row["disposition"] in (Disposition.UNIQUE, Disposition.DUPLICATE, Disposition.LATE)
            assert row["reasons"] == []
