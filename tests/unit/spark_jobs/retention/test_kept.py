"""Which rows are kept: no day expires before it is sealed, and what a newer batch has brought is of no day."""

from datetime import UTC, date, datetime, timedelta

from spark_jobs.retention.kept import CLEARED, DELIVERIES, PAYMENTS, RAW_VALUES, Kept, Mark, Rule, rules_of, sealed_by
from spark_jobs.settings import read_job_settings
from spark_jobs.tables import catalog

TODAY = date(2026, 11, 29)
DAY = timedelta(days=1)
RULE = Rule(PAYMENTS, catalog.TRANSACTIONS, 40)


def at(day: date, hour: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def test_a_day_expires_once_it_is_older_than_is_kept() -> None:
    assert RULE.kept_from(TODAY, TODAY - 2 * DAY) == TODAY - 40 * DAY


def test_no_day_expires_that_is_not_sealed() -> None:
    assert RULE.kept_from(TODAY, None) is None
    assert RULE.kept_from(TODAY, TODAY - 50 * DAY) == TODAY - 50 * DAY


def test_nothing_expires_by_default() -> None:
    rules = rules_of(read_job_settings({}))
    assert [rule.kept_from(TODAY, TODAY) for rule in rules] == [None] * len(rules)
    assert not read_job_settings({}).expires


def test_each_table_is_partitioned_by_the_time_that_its_days_are_told_by() -> None:
    assert [(rule.table.name, rule.column) for rule in rules_of(read_job_settings({}))] == [
        ("payment_deliveries", "kafka_timestamp"),
        ("payment_deliveries", "kafka_timestamp"),
        ("payment_transactions", "event_time"),
    ]


def test_a_row_has_expired_by_its_time_and_by_its_batch() -> None:
    mark = Mark(TODAY, 7)
    assert mark.has_expired(at(TODAY - DAY, 23), 7)
    assert not mark.has_expired(at(TODAY), 7)
    assert not mark.has_expired(at(date(1969, 12, 31)), 8), "a newer batch has brought it"
    assert not mark.has_expired(None, 7)


def test_of_each_thing_the_newest_mark_counts() -> None:
    def row(kept: str, days: int, batch: int) -> dict[str, object]:
        return {"kept": kept, "kept_from": TODAY - days * DAY, "last_batch_id": batch}

    kept = Kept.of_rows([row(PAYMENTS, 3, 1), row(PAYMENTS, 1, 5), row(DELIVERIES, 9, 2), row(PAYMENTS, 2, 3)])
    assert kept == Kept(payments=Mark(TODAY - DAY, 5), deliveries=Mark(TODAY - 9 * DAY, 2))
    assert kept.of(PAYMENTS) == kept.payments
    assert (kept.are_payments_of(TODAY - DAY), kept.are_payments_of(TODAY - 2 * DAY)) == (True, False)
    assert (kept.has_expired(TODAY - 2 * DAY), Kept.of_rows([]).has_expired(TODAY)) == (True, False)
    raw = Kept.of_rows([row(RAW_VALUES, 2, 4), row(CLEARED, 3, 3)])
    assert raw == Kept(raw_values=Mark(TODAY - 2 * DAY, 4), cleared=Mark(TODAY - 3 * DAY, 3))
    assert not raw.has_expired(TODAY - 9 * DAY), "the deliveries themselves are there"


def test_a_batch_is_whole_while_its_oldest_delivery_is_kept() -> None:
    kept = Kept(deliveries=Mark(TODAY, 7))
    assert not kept.are_deliveries_of({"batch_id": 7, "min_kafka_timestamp": at(TODAY - DAY)})
    assert kept.are_deliveries_of({"batch_id": 7, "min_kafka_timestamp": at(TODAY)})
    assert kept.are_deliveries_of({"batch_id": 8, "min_kafka_timestamp": at(TODAY - DAY)})
    assert kept.are_deliveries_of({"batch_id": 7, "min_kafka_timestamp": None}), "one of nothing but holes has none"


def test_a_day_has_to_be_sealed_by_half_of_the_time_that_it_is_kept() -> None:
    settings = read_job_settings({"PAYMENTS_KEEP_PAYMENTS_DAYS": "40", "PAYMENTS_KEEP_DELIVERIES_DAYS": "60"})
    assert sealed_by(settings, TODAY - DAY) == at(TODAY) + 20 * DAY
    assert sealed_by(read_job_settings({}), TODAY) is None
