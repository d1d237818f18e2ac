import pytest

from benchmarks.bytes.pruning import EVERYTHING, Window
from tests.unit.benchmarks.bytes.analyzing import reads

SINCE = "timestamp '2026-11-26 12:00:00+00'"


def window(sql: str, table: str = "payment_transactions") -> Window:
    return reads(sql)[table].window


@pytest.mark.parametrize(
    "sql",
    [
        f"select currency from payment_transactions where event_time >= {SINCE}",
        f"select currency from payment_transactions where {SINCE} <= event_time and amount > 0",
        "select currency from payment_transactions"
        " where event_time >= timestamp_sub(current_timestamp(), interval 2 day)",
        f"with every as (select * from payment_transactions) select currency from every where event_time >= {SINCE}",
        f"select currency from (select currency, event_time from payment_transactions union all"
        f" select currency, event_time from payment_deliveries) where event_time >= {SINCE}",
        f"select t.currency from payment_transactions as t join batch_ledger as l using (batch_id)"
        f" where t.event_time >= {SINCE}",
        f"select currency, n from (select currency, event_time, count(*) as n from payment_transactions"
        f" group by 1, 2) where event_time >= {SINCE}",
        f"select n from (select event_time, count(*) over (partition by event_time) as n from payment_transactions)"
        f" where event_time >= {SINCE}",
    ],
)
def test_a_condition_leaves_the_days_since_a_moment_and_the_whole_of_the_first(sql: str) -> None:
    assert window(sql) == Window(2.5, None)


@pytest.mark.parametrize(
    "sql",
    [
        "select currency from payment_transactions",
        "select currency from payment_transactions"
        " where event_time >= (select max(event_time) from payment_deliveries)",
        "select t.currency from payment_transactions as t join payment_deliveries as d on t.event_time >= d.event_time",
        f"select n from (select event_time, row_number() over (order by amount) as n from payment_transactions)"
        f" where event_time >= {SINCE}",
        f"select currency from (select currency, event_time from payment_transactions limit 9)"
        f" where event_time >= {SINCE}",
        f"select currency from payment_transactions where event_time >= {SINCE} or amount > 5",
        "select currency from payment_transactions where unix_micros(event_time) > 5",
    ],
)
def test_what_is_no_comparison_with_a_constant_prunes_nothing(sql: str) -> None:
    assert window(sql) == EVERYTHING


def test_a_left_join_prunes_its_left_side_by_the_filter_and_its_right_side_by_the_condition() -> None:
    sql = f"""
        select t.currency, d.currency from payment_transactions as t
        left join payment_deliveries as d
            on t.transaction_id = d.transaction_id and d.kafka_timestamp >= {SINCE}
        where t.event_time >= {SINCE}
        """
    assert window(sql) == Window(2.5, None)
    assert window(sql, "payment_deliveries") == Window(2.5, None)


def test_one_day_by_date_is_one_day() -> None:
    sql = "select currency from payment_transactions where date(event_time) = date '2026-11-27'"
    assert window(sql) == Window(1.5, 0.5)
    assert window(sql).days(365) == 1


def test_a_table_that_is_read_twice_is_read_wherever_one_of_both_reads_it() -> None:
    sql = f"""
        select currency from payment_transactions where event_time >= {SINCE}
        union all select currency from payment_transactions
        """
    assert window(sql) == EVERYTHING


def test_a_parameter_is_its_value() -> None:
    sent = {
        "name": "since",
        "parameterType": {"type": "TIMESTAMP"},
        "parameterValue": {"value": "2026-11-26 12:00:00+00:00"},
    }
    found = reads("select currency from payment_transactions where event_time >= @since", sent)
    assert found["payment_transactions"].window == Window(2.5, None)


def test_a_window_is_no_longer_than_what_is_kept() -> None:
    assert Window(30.5, None).days(365) == 30.5
    assert Window(30.5, None).days(1) == 1
    assert Window(None, 2).days(365) == 363
    assert Window(-3, None).days(365) == 0


def test_a_query_of_which_no_row_is_asked_for_reads_none() -> None:
    sql = "select * from (select currency from payment_transactions) where false limit 0"
    assert window(sql).days(365) == 0


HOURLY = {"payment_transactions"}


@pytest.mark.parametrize(
    ("condition", "hours"),
    [
        ("event_time >= timestamp '2026-11-28 11:00:00+00'", 1.5),
        ("event_time >= timestamp '2026-11-28 10:45:00+00'", 1.75),
        ("event_time >= timestamp_sub(timestamp '2026-11-28 11:00:00+00', interval 1 hour)", 2.5),
        ("event_time >= timestamp '2026-11-28 09:00:00+00' and event_time < timestamp '2026-11-28 10:00:00+00'", 1),
        ("event_time = timestamp '2026-11-28 09:00:00+00'", 1),
        # The beginning of a day is that of an average day, whatever the hour of the recording.
        ("event_time >= timestamp '2026-11-28 00:00:00+00'", 12),
        ("date(event_time) = date '2026-11-27'", 24),
    ],
)
def test_rows_that_lie_in_the_order_of_their_time_are_read_by_hours(condition: str, hours: float) -> None:
    sql = f"select currency from payment_transactions where {condition}"
    window = reads(sql, hourly=HOURLY)["payment_transactions"].window
    assert window.days(365) * 24 == pytest.approx(hours)
    assert reads(sql)["payment_transactions"].window.days(365) >= window.days(365)


def test_what_is_rewritten_counts_by_days_in_whatever_order_its_rows_lie() -> None:
    sql = f"delete from payment_transactions where event_time >= {SINCE}"
    assert reads(sql, hourly=HOURLY)["payment_transactions"].window == Window(2.5, None)
