"""Packed records by reference: what is parked is fetched again, byte for byte, and every file is named for removal."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.deduplication.buckets import labels_of
from spark_jobs.streaming import shuffle_files, staged_files
from spark_jobs.streaming.packing import pack, unpack

Chunks = list[list[int]]
CHUNKS = st.lists(st.lists(st.integers(0, 2), max_size=20), min_size=1, max_size=4)


def references(location: str, chunks: Chunks) -> pd.DataFrame:
    """One task's chunks of records, each a list of buckets."""
    packed = (
        pack(pa.table({"row": pa.array(range(len(c)), pa.int64())}), np.array(c, np.int32), 3, None) for c in chunks
    )
    frame: pd.DataFrame = pa.Table.from_batches(
        shuffle_files.park(packed, location), shuffle_files._REFERENCE
    ).to_pandas()
    return frame


@settings(max_examples=30, deadline=None)
@given(chunks=CHUNKS)
def test_what_is_parked_is_fetched_by_each_bucket(tmp_path_factory: pytest.TempPathFactory, chunks: Chunks) -> None:
    location = tmp_path_factory.mktemp("staging").as_uri()
    rows = references(location, chunks)
    for number, label in enumerate(labels_of(3)):
        mine = rows[rows["bucket"] == label]
        expected = [i for chunk in chunks for i, bucket in enumerate(chunk) if bucket == number]
        assert unpack(shuffle_files.fetch(mine))["row"].to_pylist() == expected


def test_the_parcels_of_several_tasks_are_fetched_together_and_can_be_removed(tmp_path: Path) -> None:
    both = pd.concat([references(tmp_path.as_uri(), [[0, 1]]), references(tmp_path.as_uri(), [[0, 0]])])
    assert unpack(shuffle_files.fetch(both)).num_rows == 4
    assert len(set(both["uri"])) == 2
    staged_files.remove(tuple(set(both["uri"])))
    assert list(tmp_path.iterdir()) == []
