"""Staged files: every record once, raw bytes where they are needed, and a clean folder afterwards."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from spark_jobs.contract.payment_event import Disposition
from spark_jobs.deduplication.dispositions import DISPOSITIONS
from spark_jobs.streaming import staged_files
from spark_jobs.streaming.staged_files import STAGED_SCHEMA
from tests.corpus.cases import event_bytes
from tests.unit.spark_jobs.stream import Record, Stream


def test_only_what_is_unique_goes_without_its_raw_bytes(tmp_path: Path) -> None:
    stream = Stream(tmp_path)
    late = event_bytes({"transaction_id": '"late"', "event_time": '"2026-11-20T00:00:00Z"'})
    stream.take([Record(event_bytes(), offset=0)])
    staged = stream.take([Record(value, offset=n) for n, value in enumerate([event_bytes(), late, b"?", None], 1)])
    assert staged["disposition"].to_pylist() == ["DUPLICATE", "LATE", "QUARANTINED", "QUARANTINED"]
    assert staged["raw_value"].to_pylist() == [event_bytes(), late, b"?", None]
    assert staged["raw_key"].to_pylist() == [b"a-1"] * 4


def test_a_staged_file_has_the_staged_schema(tmp_path: Path) -> None:
    stream = Stream(tmp_path)
    stream.take([Record(event_bytes())])
    [uri] = [receipt.uri for receipt in stream.tallies]
    schema = pq.read_schema((uri or "").removeprefix("file://"))
    assert schema.names == STAGED_SCHEMA.names
    assert schema.field("amount").type == pa.decimal128(38, 9)
    assert schema.field("event_time").type == pa.timestamp("us", "UTC")


def test_a_bucket_without_records_stages_no_file(tmp_path: Path) -> None:
    stream = Stream(tmp_path, buckets=8)
    stream.take([Record(event_bytes())])
    assert len(stream.tallies) == 8
    assert len([receipt for receipt in stream.tallies if receipt.uri]) == 1


def test_published_files_are_removed_and_others_stay(tmp_path: Path) -> None:
    table = STAGED_SCHEMA.empty_table()
    gone, stays = (staged_files.write(table, tmp_path.as_uri()) for _ in range(2))
    staged_files.remove((gone,))
    assert [path.as_uri() for path in tmp_path.iterdir()] == [stays]


def test_a_file_that_was_swept_away_is_removed_already(tmp_path: Path) -> None:
    uri = staged_files.write(STAGED_SCHEMA.empty_table(), tmp_path.as_uri())
    staged_files.sweep(tmp_path.as_uri())
    staged_files.remove((uri,))
    assert list(tmp_path.iterdir()) == []


def test_sweeping_clears_the_folder_of_a_generation_and_makes_it(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    location = (tmp_path / "g 1").as_uri()
    staged_files.sweep(location)
    staged_files.write(STAGED_SCHEMA.empty_table(), location)
    staged_files.sweep(location)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["g 1", "other"]


def test_dispositions_have_the_contracts_order() -> None:
    assert list(DISPOSITIONS) == list(Disposition)
