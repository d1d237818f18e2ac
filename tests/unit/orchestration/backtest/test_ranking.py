"""Average precision and precision at k alerts a day, held against examples that are worked out by hand."""

from datetime import date
from decimal import Decimal

import pytest

from orchestration.backtest.ranking import Alert, average_precision, daily_alerts

FIRST, SECOND = date(2026, 11, 1), date(2026, 11, 2)


def alert(day: date, account: str, score: int, *, fraud: bool = False, euros: int = 10) -> Alert:
    return Alert(day, account, score, Decimal(euros), fraud)


def test_average_precision_weighs_each_steps_precision_by_the_recall_that_it_adds() -> None:
    # Three steps down a ranking of 2 frauds and 2 honest payments: fraud, honest, fraud with the last honest one.
    assert average_precision([(0.5, 1.0), (0.5, 0.5), (1.0, 0.5)]) == pytest.approx(0.5 * 1.0 + 0.5 * 0.5)


def test_a_perfect_ranking_has_an_average_precision_of_one_and_no_ranking_has_none() -> None:
    assert average_precision([(0.5, 1.0), (1.0, 1.0), (1.0, 0.1)]) == 1.0
    assert average_precision([]) == 0.0


def test_all_payments_of_one_score_are_no_better_than_chance() -> None:
    assert average_precision([(1.0, 0.008)]) == pytest.approx(0.008)


def test_the_best_k_of_each_day_are_looked_at_and_the_share_that_is_fraud_is_of_k() -> None:
    found = daily_alerts(
        [
            *(alert(FIRST, "a", 90, fraud=True), alert(FIRST, "b", 80), alert(FIRST, "c", 70, fraud=True)),
            *(alert(SECOND, "d", 60), alert(SECOND, "e", 50, fraud=True), alert(SECOND, "f", 40, fraud=True)),
        ],
        alerts_a_day=2,
        days=2,
    )
    # The first day a and b, the second d and e: 2 of 4. All four could have been found.
    assert (found.alerts, found.found, found.findable) == (4, 2, 4)
    assert (found.precision, found.ceiling) == (0.5, 1.0)


def test_an_account_that_was_found_leaves_its_place_to_the_next_on_later_days() -> None:
    found = daily_alerts(
        [alert(FIRST, "a", 90, fraud=True), alert(SECOND, "a", 90, fraud=True), alert(SECOND, "b", 10, fraud=True)],
        alerts_a_day=1,
        days=2,
    )
    assert (found.alerts, found.found) == (2, 2)


def test_an_honest_account_that_was_looked_at_may_come_again() -> None:
    again = [alert(FIRST, "a", 90), alert(SECOND, "a", 90), alert(SECOND, "b", 10, fraud=True)]
    assert daily_alerts(again, alerts_a_day=1, days=2).found == 0


def test_of_one_score_the_greater_money_comes_first_and_then_the_name() -> None:
    ties = [alert(FIRST, "b", 50, euros=20), alert(FIRST, "a", 50, euros=20, fraud=True), alert(FIRST, "c", 50)]
    assert daily_alerts(ties, alerts_a_day=1, days=1).found == 1
    assert daily_alerts(list(reversed(ties)), alerts_a_day=1, days=1).found == 1
    dearer = [*ties, alert(FIRST, "d", 50, euros=21)]
    assert daily_alerts(dearer, alerts_a_day=1, days=1).found == 0


def test_an_account_without_a_score_is_no_alert_and_still_could_have_been_found() -> None:
    missed = daily_alerts([alert(FIRST, "a", 0, fraud=True)], alerts_a_day=3, days=1)
    assert (missed.alerts, missed.found, missed.findable) == (0, 0, 1)
    assert missed.ceiling == pytest.approx(1 / 3)


def test_a_day_on_which_nothing_scored_counts_as_a_day_that_found_nothing() -> None:
    assert daily_alerts([alert(FIRST, "a", 9, fraud=True)], alerts_a_day=1, days=4).precision == 0.25
    assert daily_alerts([], alerts_a_day=1, days=0).precision == 0.0


def test_the_best_ranking_takes_first_who_does_not_come_again() -> None:
    seen = [alert(FIRST, "a", 1, fraud=True), alert(SECOND, "a", 1, fraud=True), alert(FIRST, "b", 1, fraud=True)]
    assert daily_alerts(seen, alerts_a_day=1, days=2).findable == 2


def test_a_team_that_looks_at_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        daily_alerts([], alerts_a_day=0, days=1)
