"""How long payments waited for their score."""

from datetime import UTC, datetime, timedelta

from benchmarks.harness.latency_spread import spread
from benchmarks.one_machine.scores import latencies, score_table

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_a_payment_waits_from_the_brokers_timestamp_until_an_answer_has_it() -> None:
    counts = latencies({"a": NOON, "b": after(1)}, {"a": after(3.04), "b": after(4.04)}, after(60))
    assert counts == {3.0: 2}


def test_a_payment_that_no_answer_had_counts_as_waiting_to_the_end() -> None:
    assert latencies({"a": NOON}, {}, after(60)) == {60.0: 1}


def test_a_payment_of_before_or_after_the_measurement_does_not_count() -> None:
    assert latencies({"a": NOON}, {"a": after(2), "before": after(2)}, after(60)) == {2.0: 1}


def test_the_table_says_how_often_the_reader_asks_and_how_long_an_answer_takes() -> None:
    shown = score_table(spread(-1, {1.0: 90, 7.5: 10}), seconds=600, every=5, wait=1.25)
    assert "(20 payments/s) for 10 minutes after the first build; the reader asks every 5 s and waits 1.2 s" in shown
    assert "| 100 | 1.0 | 7.5 | 7.5 | 7.5 |" in shown.replace("  ", " ")
