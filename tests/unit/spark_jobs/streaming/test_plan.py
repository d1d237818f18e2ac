"""The plan's own rules: a bucket is tagged only where Spark keeps that bucket's state."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark import TaskContext

from spark_jobs.deduplication.buckets import labels_of
from spark_jobs.deduplication.checksums import Damaged
from spark_jobs.streaming import plan as pipeline
from tests.corpus.cases import event_bytes
from tests.unit.spark_jobs.stream import Record, Stream


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
