"""What the stream keeps on gs:// through Arrow, on a real server of Cloud Storage's API (fake-gcs-server)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
import pytest
from deltalake.exceptions import CommitFailedError
from google.api_core.exceptions import GoogleAPICallError

from local_stack.bigquery.emulator import Warehouse
from local_stack.sandbox_home import borrow, free_addresses
from spark_jobs import file_systems
from spark_jobs.deduplication.checksums import Damaged
from spark_jobs.deduplication.id_keys import keys_of
from spark_jobs.deduplication.segment_copies import SegmentCopies
from spark_jobs.deduplication.segment_files import open_segments
from spark_jobs.settings import read_job_settings
from spark_jobs.sinks.bigquery.publisher import load_config
from spark_jobs.sinks.delta.tables import METRICS, append, append_once, open_table, query, schema_of, version_of
from spark_jobs.streaming import staged_files
from spark_jobs.streaming.carried import read_carried, write_carried
from spark_jobs.streaming.locations import Locations
from spark_jobs.warehouse.client import connect, run
from tests import object_store

pytestmark = [pytest.mark.integration, pytest.mark.thorough]


@pytest.fixture
def store(bucket: str, store_endpoint: str, tmp_path: Path) -> Iterator[str]:
    """A folder's URI in a bucket."""
    with object_store.named(store_endpoint):
        yield f"{bucket}/{tmp_path.name}"


def test_staged_files_are_written_read_and_removed(store: str) -> None:
    location = f"{store}/staging/g1"
    staged_files.sweep(location)
    uris = tuple(staged_files.write(staged_files.STAGED_SCHEMA.empty_table(), location) for _ in range(5))
    filesystem, _ = file_systems.place(location)
    kept = filesystem.get_file_info([uri.removeprefix("gs://") for uri in uris])
    assert all(info.type == pafs.FileType.File for info in kept)
    staged_files.remove(uris)
    staged_files.remove(uris)
    left = filesystem.get_file_info([uri.removeprefix("gs://") for uri in uris])
    assert all(info.type == pafs.FileType.NotFound for info in left)


def test_segments_are_read_by_a_process_that_has_no_copy(store: str, tmp_path: Path) -> None:
    keys = keys_of(np.random.default_rng(1).integers(0, 256, 16 * 1000, dtype=np.uint8))
    name = open_segments(f"{store}/segments/0", SegmentCopies(tmp_path / "writer")).write(keys)
    other = open_segments(f"{store}/segments/0", SegmentCopies(tmp_path / "reader"))
    assert (
        other.read(name).content()
        == open_segments(f"{store}/segments/0", SegmentCopies(tmp_path / "writer")).read(name).content()
    )
    other.delete(name)
    other.delete(name)
    with pytest.raises(Damaged):
        open_segments(f"{store}/segments/0", SegmentCopies(tmp_path / "third")).read(name)


def test_a_load_job_of_the_local_warehouse_reads_what_was_staged_and_says_what_is_not_there(
    store: str, tmp_path: Path
) -> None:
    borrow(tmp_path)
    settings = read_job_settings({**free_addresses(), "STAGING_LOCATION": f"{store}/staging"})
    warehouse = Warehouse(tmp_path, settings.emulator_host or "", settings.project)
    row = {"kafka_partition": 0, "kafka_offset": 7, "disposition": "UNIQUE", "raw_value": b"\xff"}
    uris = [staged_files.write(staged_files.to_staged([row]), settings.staging_location) for _ in range(2)]
    try:
        warehouse.start()
        with connect(settings) as client:
            client.create_dataset(settings.dataset)
            for name in ("plain", "staging_of_a_batch"):
                table = f"{settings.project}.{settings.dataset}.{name}"
                client.load_table_from_uri(uris, table, job_config=load_config()).result()
                [found] = run(client, f"select count(*) as n, max(kafka_offset) as last from `{table}`", {})
                assert (found["n"], found["last"]) == (2, 7)
            staged_files.remove(tuple(uris))
            with pytest.raises(GoogleAPICallError, match="Not found: URI gs://"):
                client.load_table_from_uri(uris, table, job_config=load_config()).result()
    finally:
        warehouse.stop()


def test_generations_are_told_apart_swept_and_read_without_folders(store: str) -> None:
    written = {f"{store}/checkpoints/payments/{name}/{file}" for name in ("g1", "g2") for file in ("start.json", "a/b")}
    for uri in written:
        file_systems.write_file(uri, b"1")
    assert set(file_systems.folders_in(f"{store}/checkpoints/payments")) == {"g1", "g2"}
    file_systems.delete_folder(f"{store}/checkpoints/payments/g1")
    assert set(file_systems.folders_in(f"{store}/checkpoints/payments")) == {"g2"}
    assert file_systems.read_file(f"{store}/checkpoints/payments/g2/a/b") == b"1"


def test_a_copy_that_went_or_was_damaged_is_fetched_again(store: str, tmp_path: Path) -> None:
    keys = keys_of(np.random.default_rng(2).integers(0, 256, 16 * 1000, dtype=np.uint8))
    copies = SegmentCopies(tmp_path / "copies", most_bytes=1)
    segments = open_segments(f"{store}/segments/1", copies)
    names = [segments.write(keys) for _ in range(3)]
    kept = [path.name for path in copies.folder(f"{store.removeprefix('gs://')}/segments/1").iterdir()]
    assert kept == names[-1:], "they may take one byte"
    assert [segments.read(name).content() for name in names] == [segments.read(names[0]).content()] * 3


def test_what_is_carried_into_a_batch_survives_and_the_oldest_goes(store: str) -> None:
    locations = Locations(f"{store}/checkpoints/g1", f"{store}/staging/g1")
    for batch in (1, 101):
        write_carried(locations, batch, 7_000 + batch)
    assert [read_carried(locations, batch) for batch in (1, 101, 102)] == [None, 7_101, None]


def test_a_batch_is_in_a_delta_table_there_once_whoever_brings_it(store: str) -> None:
    settings = read_job_settings({"PAYMENTS_DELTA_LOCATION": f"{store}/delta"})
    rows = pa.Table.from_pylist([{"batch_id": 1, "delivered": 7}], schema=schema_of(METRICS))
    first, second = open_table(settings, METRICS), open_table(settings, METRICS)
    append_once(first, rows, "payments", 1)
    with pytest.raises(CommitFailedError):
        append(second, rows, "payments", 1)
    append_once(second, rows, "payments", 1)
    found = open_table(settings, METRICS)
    assert version_of(found, "payments") == 1
    assert [row["delivered"] for part in query(found, "select * from t") for row in part.to_pylist()] == [7]
