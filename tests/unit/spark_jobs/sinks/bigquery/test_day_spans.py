import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spark_jobs.sinks.bigquery.already_published import FoundInWarehouse
from spark_jobs.sinks.bigquery.day_spans import FEW_DAYS, MOST_DAYS, DaySpans, spans_of
from spark_jobs.sinks.bigquery.publish_sql import publish_sql
from tests.unit.spark_jobs.batches import BATCH, NOON_US, SETTINGS, TALLY

BIGQUERYS_PARTITIONS_A_JOB = 4_000
YEAR_2000_US = 946_684_800_000_000
DAY_US = 86_400_000_000
YEAR_1_US = -62_135_596_800_000_000
LAST_MOMENT_US = 253_402_300_799_999_999


def spans(first: int, last: int) -> DaySpans:
    return spans_of(replace(BATCH, tally=replace(TALLY, payment_times=(first, last))))


def text(days: DaySpans) -> str:
    return publish_sql(SETTINGS, "p.d.staging_g1_4_3", FoundInWarehouse(), days)


def test_a_batch_of_one_day_is_not_cut() -> None:
    today = spans(NOON_US, NOON_US)
    assert not today.is_cut
    assert text(today) == text(FEW_DAYS)
    assert not spans_of(BATCH).is_cut, "a batch without a payment"


def test_a_batch_of_26_years_is_cut_and_stays_one_transaction() -> None:
    days = spans(YEAR_2000_US, NOON_US)
    sql = text(days)
    assert len(days.event_times) == 3
    assert sql.count("insert into `payments-local.payment_data.payment_transactions`") == 3
    assert sql.count("insert into `payments-local.payment_data.payment_deliveries`") == 1
    assert (sql.count("begin transaction"), sql.count("commit transaction")) == (1, 1)
    assert sql.split()[:2] == ["declare", "inserted"]
    assert "assert inserted = @unique_count as" in sql
    assert "assert @@row_count = @delivered as" in sql


def test_a_topic_whose_senders_set_old_timestamps_is_cut_by_those() -> None:
    old = replace(TALLY, timestamps=((2, (YEAR_2000_US, NOON_US)),))
    days = spans_of(replace(BATCH, tally=old))
    assert (len(days.kafka_timestamps), len(days.event_times)) == (3, 0)
    assert text(days).count("insert into `payments-local.payment_data.payment_deliveries`") == 3


def test_a_timestamp_at_the_end_of_all_times_is_cut_as_any_other() -> None:
    days = spans_of(replace(BATCH, tally=replace(TALLY, timestamps=((2, (NOON_US, LAST_MOMENT_US)),))))
    assert str(days.kafka_timestamps[-1][1]) == "9999-12-31"
    assert "<= timestamp '9999-12-31 23:59:59.999999'" in text(days)


@given(st.integers(YEAR_1_US, LAST_MOMENT_US), st.integers(0, 3_000_000 * DAY_US))
@example(YEAR_2000_US, 3_000_000 * DAY_US)
def test_each_moment_is_in_one_cut_and_no_cut_is_too_long(first: int, length: int) -> None:
    length = min(length, LAST_MOMENT_US - first)
    cuts = spans(first, first + length).event_times
    for microseconds in (first, first + length // 2, first + length):
        day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)).date()
        assert sum(start <= day <= end for start, end in cuts) == 1
    assert all((end - start).days < MOST_DAYS < BIGQUERYS_PARTITIONS_A_JOB for start, end in cuts)
    assert all(one[1] + timedelta(days=1) == next_[0] for one, next_ in pairwise(cuts))


@pytest.mark.parametrize("days", [FEW_DAYS, spans(YEAR_2000_US, NOON_US)], ids=["few", "many"])
def test_every_insert_ends_in_a_condition_that_a_cut_may_add_to(days: DaySpans) -> None:
    for known in (FoundInWarehouse(), FoundInWarehouse(erasure_count=1), FoundInWarehouse(corrected=1, erased=1)):
        sql = publish_sql(SETTINGS, "p.d.staging_g1_4_3", known, days)
        for insertion in re.findall(r"insert into `[^`]*payment_(?:deliveries|transactions)`[^;]*;", sql):
            assert " where " in insertion
