"""What a batch reports."""

from dataclasses import replace

from spark_jobs.publishing.batch_report import BatchReport
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
        "ignored": 0,
        "erased": 0,
        "holes": 0,
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
