"""The arithmetic of days of payments. That every check is green on them is said by each build of the benchmark."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from benchmarks.bytes.analyzer import Warehouse
from benchmarks.one_machine.past import BATCHES_A_DAY, LEAST_PAYMENTS, PARTITIONS, RETRY_OF, WATERMARK, Traffic
from spark_jobs.tables import catalog

FIRST = date(2026, 8, 1)
TRAFFIC = Traffic(FIRST, LEAST_PAYMENTS)


@pytest.mark.parametrize("payments", [0, -800, 100, LEAST_PAYMENTS + 1])
def test_payments_that_cannot_be_spread_evenly_are_refused(payments: int) -> None:
    with pytest.raises(ValueError, match="multiple of 800"):
        Traffic(FIRST, payments)


@pytest.mark.parametrize("payments", [LEAST_PAYMENTS, 20_000, 200_000])
def test_a_batch_has_the_same_number_of_records_in_each_partition(payments: int) -> None:
    traffic = Traffic(FIRST, payments)
    records = traffic.batch + traffic.batch // RETRY_OF
    assert traffic.offsets * PARTITIONS == records
    assert traffic.batch * BATCHES_A_DAY == payments


def test_days_and_batches_tell_each_other() -> None:
    assert [TRAFFIC.days_until(TRAFFIC.last_batch(days)) for days in (0, 1, 90)] == [0, 1, 90]
    assert TRAFFIC.days_until(TRAFFIC.last_batch(3) - 1) == 2, "a day that is not whole is none"


def test_the_last_payment_of_a_day_is_made_and_published_right_before_and_after_its_end() -> None:
    end = datetime(2026, 8, 2, tzinfo=UTC)
    last = TRAFFIC.last_batch(1)
    assert TRAFFIC.last_payment_at(last) == end - timedelta(microseconds=TRAFFIC.step)
    assert TRAFFIC.published_at(last) == TRAFFIC.last_payment_at(last) + timedelta(seconds=3)
    assert TRAFFIC.last_payment_at(last + 1) > end


def test_the_control_row_and_the_broker_stand_where_the_ledger_ends() -> None:
    control = TRAFFIC.control(2)
    ends = {int(partition): end for partition, end in json.loads(control["end_offsets"]).items()}
    assert ends == {row["kafka_partition"]: row["latest_offset"] for row in TRAFFIC.broker(2)}
    assert set(ends.values()) == {2 * BATCHES_A_DAY * TRAFFIC.offsets}
    assert control["last_batch_id"] == 2 * BATCHES_A_DAY
    assert datetime.fromisoformat(control["watermark"]) == TRAFFIC.last_payment_at(2 * BATCHES_A_DAY) - WATERMARK
    assert {row["observed_at"] > control["updated_at"] for row in TRAFFIC.broker(2)} == {True}


def test_every_table_of_a_batch_is_written_before_the_control_row_tells_of_it() -> None:
    written = [statement.split("`")[1] for statement in TRAFFIC.statements("project.dataset", 0, 1)]
    tables = (
        *(catalog.TRANSACTIONS, catalog.DELIVERIES, catalog.LEDGER, catalog.LEDGER_PARTITIONS),
        *(catalog.LEDGER_AMOUNTS, catalog.CONTROL_TOTALS),
    )
    assert written == [f"project.dataset.{table.name}" for table in tables]


def test_a_step_reads_and_writes_its_own_days_alone() -> None:
    payments, *others = TRAFFIC.statements("project.dataset", 5, 7)
    assert "generate_array(5, 6)" in payments
    for statement in others:
        assert "timestamp '2026-08-06 00:00:00.000000+00:00'" in statement
        assert f"batch_id between {5 * BATCHES_A_DAY + 1} and {7 * BATCHES_A_DAY}" in statement


def test_googles_analyzer_accepts_every_statement() -> None:
    warehouse = Warehouse()
    for statement in TRAFFIC.statements("project.dataset", 0, 2):
        warehouse.accept(statement)
