"""The plan's own rules: a bucket is tagged only where Spark keeps that bucket's state."""

from types import SimpleNamespace

import pytest
from pyspark import TaskContext

from spark_jobs.deduplication.buckets import labels_of
from spark_jobs.deduplication.checksums import Damaged
from spark_jobs.streaming import plan as pipeline


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
