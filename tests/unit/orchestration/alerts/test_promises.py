"""The budgets and their paces."""

from fractions import Fraction

from orchestration.alerts.catalog import Severity
from orchestration.alerts.promises import BURN_ALERTS, PAGES, PROMISES, TICKETS, WINDOWS, Burn

HOURS = {"1h": 1, "6h": 6, "1d": 24, "3d": 72}


def share_of_the_budget(burn: Burn) -> float:
    """What of 30 days' budget is gone when a pace has gone on for its long window."""
    return float(Fraction(str(burn.rate)) * HOURS[burn.long] / (30 * 24))


def test_paces_use_up_the_shares_of_the_budget_that_the_workbook_names() -> None:
    assert [share_of_the_budget(burn) for burn in (*PAGES, *TICKETS)] == [0.02, 0.05, 0.1, 0.1]


def test_every_window_is_recorded() -> None:
    assert {window for burn in (*PAGES, *TICKETS) for window in (burn.long, burn.short)} == {*WINDOWS}


def test_each_promise_has_a_page_and_a_ticket() -> None:
    assert [(alert.promise, alert.severity) for alert in BURN_ALERTS] == [
        (promise, severity) for promise in PROMISES for severity in (Severity.PAGE, Severity.TICKET)
    ]


def test_a_limit_is_the_pace_times_the_budget() -> None:
    right, *_ = BURN_ALERTS
    assert right.name == "PaymentsRightBurnFast"
    assert 'avg1h{promise="right"} > 0.0144 and' in right.condition
    assert 'avg30m{promise="right"} > 0.006)' in right.condition
