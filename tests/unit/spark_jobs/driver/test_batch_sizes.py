"""How many records a batch takes, and how many tasks read them."""

from datetime import datetime, timedelta

import pytest

from spark_jobs.contract.payment_event import WATERMARK_DELAY
from spark_jobs.driver.batch_sizes import FIRST_BATCHES, STALE_AFTER, TASK_RECORDS, batch_limit, reading_tasks
from tests.unit.spark_jobs.batches import NOON


@pytest.mark.parametrize(("waiting", "limit"), [(1, 1), (2, 1), (3, 2), (400, 202), (401, 203), (10**6, 1_000)])
@pytest.mark.parametrize("watermark", [None, NOON - WATERMARK_DELAY - STALE_AFTER, NOON - timedelta(days=1)])
def test_a_stale_watermark_takes_the_backlog_in_several_batches(
    waiting: int, limit: int, watermark: datetime | None
) -> None:
    assert batch_limit(waiting, 4, 1_000, watermark, NOON) == limit
    assert -(-waiting // limit) >= min(waiting, FIRST_BATCHES)


def test_a_fresh_watermark_takes_as_much_as_may_be() -> None:
    watermark = NOON - WATERMARK_DELAY - STALE_AFTER + timedelta(seconds=1)
    assert batch_limit(10, 4, 1_000, watermark, NOON) == 1_000


def test_what_a_fresh_watermark_is_depends_on_how_far_it_trails() -> None:
    watermark = NOON - timedelta(minutes=45)
    assert batch_limit(100, 4, 1_000, watermark, NOON, timedelta(minutes=30)) < 100
    assert batch_limit(100, 4, 1_000, watermark, NOON, timedelta(minutes=60)) == 1_000


def test_what_spark_rounds_off_is_no_batch_of_its_own() -> None:
    waiting = {0: 398_781, 1: 416_457, 2: 427_235, 3: 407_527}
    limit = batch_limit(sum(waiting.values()), len(waiting), 1_000_000, None, NOON)
    batches = 0
    while total := sum(waiting.values()):
        share = min(1, limit / total)
        waiting = {partition: left - int(left * share) for partition, left in waiting.items()}
        batches += 1
    assert batches == FIRST_BATCHES


@pytest.mark.parametrize(
    ("waiting", "tasks"),
    [
        (1, 2),
        (2 * TASK_RECORDS, 2),
        (2 * TASK_RECORDS + 1, 3),
        (3 * TASK_RECORDS, 3),
        (3 * TASK_RECORDS + 1, None),
        (10**6, None),
    ],
)
def test_few_records_are_read_by_fewer_tasks_than_there_are_partitions(waiting: int, tasks: int | None) -> None:
    assert reading_tasks(waiting, 4, 150_000) == tasks


def test_a_single_partition_has_a_task_of_its_own() -> None:
    assert reading_tasks(1, 1, 150_000) is None


def test_no_task_reads_more_than_it_may() -> None:
    assert reading_tasks(300, 4, 100) == 3
    assert reading_tasks(301, 4, 100) is None
