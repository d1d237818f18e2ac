import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from benchmarks.bytes.billing import Read
from benchmarks.bytes.pruning import Window
from benchmarks.bytes.recorded import Recording, StoredTable
from benchmarks.bytes.volumes import DAY_SECONDS, LEAST_BYTES, WHOLE_DAYS, Schedule, Traffic, Volumes, undeclared
from tests.architecture.sources import ROOT

TABLES = {
    "payment_deliveries": StoredTable({}, "kafka_timestamp", 110, {"transaction_id": 38.0, "raw_value": 2.0}),
    "payment_transactions": StoredTable({}, "event_time", 100, {"transaction_id": 38.0, "amount": 16.0}),
    "payment_metrics": StoredTable({}, "window_start", 90, {"currency": 5.0}),
    "int_deliveries__totals": StoredTable({}, "since_published_at", 40, {"record_count": 8.0}),
    "batch_ledger": StoredTable({}, "published_at", 10, {"batch_id": 8.0}),
    "currencies": StoredTable({}, None, 164, {"currency": 5.0}),
}
VOLUMES = Volumes(
    Recording(datetime(2026, 11, 28, tzinfo=UTC), {"payments": 100, "batches": 10, "cells": 50}, TABLES, {}, ())
)
A_DAY = 1_000 * DAY_SECONDS


def billed(read: Read, days: float = 365, schedule: Schedule | None = None) -> float:
    return VOLUMES.bytes_of([read], Traffic(1_000, days, schedule or Schedule()))


def test_columns_of_all_days_of_a_table_that_grows_with_payments() -> None:
    assert billed(Read("payment_transactions", frozenset({"amount"}))) == pytest.approx(16 * A_DAY * 365)
    assert billed(Read("payment_deliveries", frozenset({"raw_value"}))) == pytest.approx(2 * 1.1 * A_DAY * 365)


def test_a_window_counts_its_days_however_many_are_kept() -> None:
    read = Read("payment_transactions", frozenset({"amount"}), Window(3.5, None))
    assert billed(read, 365) == billed(read, 30) == pytest.approx(16 * A_DAY * 3.5)
    assert billed(read, 1) == pytest.approx(16 * A_DAY)


def test_what_is_rewritten_counts_all_columns_beside_those_that_are_read() -> None:
    read = Read("payment_transactions", frozenset({"amount"}), Window(1.5, None), is_rewritten=True)
    assert billed(read) == pytest.approx((16 + 54) * A_DAY * 1.5)


def test_a_small_table_counts_as_ten_mebibytes() -> None:
    assert billed(Read("currencies", frozenset({"currency"}))) == LEAST_BYTES
    assert billed(Read("payment_transactions", frozenset())) == LEAST_BYTES


def test_cells_of_a_minute_grow_with_payments_until_every_cell_is_there() -> None:
    slow, fast = Traffic(0.1, 1), Traffic(1_000, 1)
    assert VOLUMES.rows("payment_metrics", Window(), slow) == pytest.approx(0.1 * DAY_SECONDS * 0.9)
    assert VOLUMES.rows("payment_metrics", Window(), fast) == 50 * 1440


def test_sums_of_a_build_grow_with_payments_until_every_cell_is_in_every_build() -> None:
    hourly = Schedule(build_minutes=60)
    assert VOLUMES.rows("int_deliveries__totals", Window(), Traffic(0.001, 10, hourly)) == pytest.approx(
        0.001 * DAY_SECONDS * 0.4 * 10
    )
    assert VOLUMES.rows("int_deliveries__totals", Window(), Traffic(1_000, 10, hourly)) == 24 * 40 * 10


def test_the_ledger_grows_with_batches() -> None:
    traffic = Traffic(1_000, 10, Schedule(batch_seconds=20))
    assert VOLUMES.rows("batch_ledger", Window(), traffic) == DAY_SECONDS / 20 * 10


def test_a_staging_table_is_a_batch_and_a_temporary_one_what_a_build_takes() -> None:
    traffic = Traffic(1_000, 365, Schedule(batch_seconds=10, build_minutes=60))
    assert VOLUMES.rows("staging_rows", Window(), traffic) == pytest.approx(1_000 * 10 * 1.1)
    two_hours = VOLUMES.rows("payment_metrics__dbt_tmp", Window(), traffic)
    assert two_hours == pytest.approx(50 * 1440 * 2 / 24)


def test_what_is_built_once_an_hour_takes_an_hour_more_than_the_watermark_whatever_a_build_takes() -> None:
    mart = StoredTable({}, "event_time", 100, {"fraud_score": 8.0})
    volumes = Volumes(replace(VOLUMES.recording, tables={**TABLES, "payment_transactions_fraud": mart}))
    rows = volumes.rows("payment_transactions_fraud__dbt_tmp", Window(), Traffic(1_000, 365))
    assert rows == pytest.approx(A_DAY * 2 / 24)
    assert Schedule().times_a_day("hour") == 24


def test_what_is_known_on_a_day_is_whole_as_the_day_begins_and_kept_for_some_days() -> None:
    habits = StoredTable({}, "day", 1_000, {"trait": 8.0})
    volumes = Volumes(replace(VOLUMES.recording, tables={**TABLES, "int_accounts__habits": habits}))
    today, yesterday_on = Window(0.5, -0.5), Window(1.5, None)
    days = [
        volumes.rows("int_accounts__habits", window, Traffic(1_000, kept)) / (10 * A_DAY)
        for window, kept in ((today, 30), (yesterday_on, 365), (Window(), 365), (Window(), 1))
    ]
    assert days == [1, 2, WHOLE_DAYS["int_accounts__habits"], 1]
    macro = (ROOT / "dbt_project" / "macros" / "account_traits.sql").read_text()
    kept = re.search(r"macro kept_habits\(\).*?return\((\d+)\)", macro, re.DOTALL)
    assert kept
    assert int(kept[1]) == WHOLE_DAYS["int_accounts__habits"]


def test_a_table_of_which_nobody_says_what_it_grows_with_is_named() -> None:
    assert undeclared(["payment_metrics", "staging_rows", "payment_metrics__dbt_tmp", "surprise"]) == ["surprise"]
