import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.sinks.bigquery.already_published import FoundInWarehouse
from spark_jobs.sinks.bigquery.day_spans import FEW_DAYS, MOST_DAYS, DaySpans, spans_of
from spark_jobs.sinks.bigquery.publish_sql import publish_sql
from tests.unit.spark_jobs.batches import BATCH, SETTINGS, TALLY

BIGQUERYS_PARTITIONS_A_JOB = 4_000
LAST_DAY = date.max.toordinal() - date(1970, 1, 1).toordinal()
DAYS_OF_26_YEARS = tuple(range(10_957, 20_454))


def spans(*days: int) -> DaySpans:
    return spans_of(replace(BATCH, tally=replace(TALLY, payment_days=days)))


def text(days: DaySpans) -> str:
    return publish_sql(SETTINGS, "p.d.staging_g1_4_3", FoundInWarehouse(), days)


def test_a_batch_of_one_day_is_not_cut() -> None:
    today = spans(20_000)
    assert not today.is_cut
    assert text(today) == text(FEW_DAYS)
    assert not spans_of(BATCH).is_cut, "a batch without a payment"


def test_a_batch_of_26_years_is_cut_and_stays_one_transaction() -> None:
    days = spans(*DAYS_OF_26_YEARS)
    sql = text(days)
    assert len(days.event_times) == 3
    assert sql.count("insert into `payments-local.payment_data.payment_transactions`") == 3
    assert sql.count("insert into `payments-local.payment_data.payment_deliveries`") == 1
    assert (sql.count("begin transaction"), sql.count("commit transaction")) == (1, 1)
    assert sql.split()[:2] == ["declare", "inserted"]
    assert "assert inserted = @unique_count as" in sql
    assert "assert @@row_count = @delivered as" in sql


def test_a_topic_whose_senders_set_old_timestamps_is_cut_by_those() -> None:
    days = spans_of(replace(BATCH, tally=replace(TALLY, log_days=DAYS_OF_26_YEARS)))
    assert (len(days.kafka_timestamps), len(days.event_times)) == (3, 0)
    assert text(days).count("insert into `payments-local.payment_data.payment_deliveries`") == 3


def test_days_count_and_not_the_years_between_them() -> None:
    assert not spans(0, LAST_DAY).is_cut, "one odd timestamp must not make hundreds of inserts"


def test_the_last_day_of_all_is_cut_as_any_other() -> None:
    sql = text(spans(*DAYS_OF_26_YEARS, LAST_DAY))
    assert "<= timestamp '9999-12-31 23:59:59.999999'" in sql


@given(st.sets(st.integers(-719_162, LAST_DAY)), st.integers(0, 9_000))
def test_each_day_is_in_one_cut_and_no_cut_has_too_many(odd: set[int], many: int) -> None:
    days = sorted(odd | set(range(20_000, 20_000 + many)))
    cuts = spans(*days).event_times
    numbers = [tuple((day - date(1970, 1, 1)).days for day in cut) for cut in cuts]
    held = [[day for day in days if first <= day <= last] for first, last in numbers]
    assert [day for part in held for day in part] == days
    assert all(len(part) <= MOST_DAYS < BIGQUERYS_PARTITIONS_A_JOB for part in held)


@pytest.mark.parametrize("days", [FEW_DAYS, spans(*DAYS_OF_26_YEARS)], ids=["few", "many"])
def test_every_insert_ends_in_a_condition_that_a_cut_may_add_to(days: DaySpans) -> None:
    for known in (FoundInWarehouse(), FoundInWarehouse(erasure_count=1), FoundInWarehouse(corrected=1, erased=1)):
        sql = publish_sql(SETTINGS, "p.d.staging_g1_4_3", known, days)
        for insertion in re.findall(r"insert into `[^`]*payment_(?:deliveries|transactions)`[^;]*;", sql):
            assert " where " in insertion
