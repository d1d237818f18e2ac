"""What a batch reports, and how many records a batch takes."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from spark_jobs.contract import WATERMARK_DELAY
from spark_jobs.report import BatchReport
from spark_jobs.run import FIRST_BATCHES, STALE_AFTER, batch_limit
from tests.unit.spark_jobs.batches import NOON

REPORT = BatchReport(
    batch_id=8, spark_batch_id=4, generation="g1", epoch=3, start_offsets={0: 0}, end_offsets={0: 10}, delivered=10,
    unique=4, duplicate=3, late=2, quarantined=1, watermark=None, next_watermark=NOON, latency_p50_seconds=1.23456,
    latency_p95_seconds=2, state_keys=4, state_bytes=48, process_seconds=1.5, load_seconds=0.3,
    transaction_seconds=0.2, published_at=NOON,
)  # fmt: skip


def test_the_names_and_numbers_of_a_report_are_stable() -> None:
    assert REPORT.metrics() == {
        "delivered": 10,
        "unique": 4,
        "duplicate": 3,
        "late": 2,
        "quarantined": 1,
        "erased": 0,
        "events_per_second": 5.0,
        "latency_p50_seconds": 1.235,
        "latency_p95_seconds": 2,
        "state_keys": 4,
        "state_bytes": 48,
        "process_seconds": 1.5,
        "load_seconds": 0.3,
        "transaction_seconds": 0.2,
        "batch_seconds": 2.0,
    }


def test_a_batch_that_took_no_time_has_no_rate() -> None:
    instant = replace(REPORT, process_seconds=0, load_seconds=0, transaction_seconds=0)
    assert instant.events_per_second == 0.0


@pytest.mark.parametrize(("waiting", "limit"), [(1, 1), (4, 1), (5, 2), (400, 101), (401, 102), (10**6, 1_000)])
@pytest.mark.parametrize("watermark", [None, NOON - WATERMARK_DELAY - STALE_AFTER, NOON - timedelta(days=1)])
def test_a_stale_watermark_takes_the_backlog_in_several_batches(
    waiting: int, limit: int, watermark: datetime | None
) -> None:
    assert batch_limit(waiting, 4, 1_000, watermark, NOON) == limit
    assert -(-waiting // limit) >= min(waiting, FIRST_BATCHES - 1)


def test_a_fresh_watermark_takes_as_much_as_may_be() -> None:
    watermark = NOON - WATERMARK_DELAY - STALE_AFTER + timedelta(seconds=1)
    assert batch_limit(10, 4, 1_000, watermark, NOON) == 1_000


def test_what_spark_rounds_off_is_no_batch_of_its_own() -> None:
    waiting = {0: 398_781, 1: 416_457, 2: 427_235, 3: 407_527}
    limit = batch_limit(sum(waiting.values()), len(waiting), 800_000, None, NOON)
    batches = 0
    while total := sum(waiting.values()):
        share = min(1, limit / total)
        waiting = {partition: left - int(left * share) for partition, left in waiting.items()}
        batches += 1
    assert batches == FIRST_BATCHES
