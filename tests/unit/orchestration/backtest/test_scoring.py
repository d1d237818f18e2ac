"""The backtest's arithmetic and looks, and its traffic."""

import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.assets.fraud_backtest import fraud_backtest
from orchestration.backtest import report as report
from orchestration.backtest.own import OwnBacktest
from orchestration.backtest.run import BacktestConfig, labelled_payments
from orchestration.backtest.scoring import Backtest, Team, evaluate
from orchestration.presentation.markdown import markdown_table
from orchestration.settings import read_stack_settings
from simulator.faults.typologies import Typology
from spark_jobs.settings import SettingError
from spark_jobs.tables.row_types import Row


def row(version: int, score: int, typology: str | None, payments: int, euros: int = 0) -> Row:
    money = Decimal(euros)
    return {"rule_version": version, "fraud_score": score, "typology": typology, "payments": payments} | {
        "amount_eur": money
    }


def hit(version: int, signal: str, typology: str | None, payments: int, euros: int = 0) -> Row:
    found = row(version, 0, typology, payments, euros)
    del found["fraud_score"]
    return found | {"signal": signal}


SCORES = [
    row(1, 0, None, 900, 9_000),
    row(1, 60, None, 100, 500),
    row(1, 0, "card_testing", 4, 20),
    row(1, 60, "mule_chain", 6, 980),
    row(2, 0, None, 980, 9_000),
    row(2, 30, None, 11, 100),
    row(2, 50, None, 4, 200),
    row(2, 80, None, 5, 200),
    row(2, 0, "card_testing", 1, 5),
    row(2, 30, "card_testing", 2, 10),
    row(2, 50, "card_testing", 1, 5),
    row(2, 80, "mule_chain", 6, 980),
]
HITS = [hit(2, "BURST", None, 5), hit(2, "BURST", "mule_chain", 6, 980), hit(2, "NIGHT", "card_testing", 2, 10)]
ALERTS = [
    {"rule_version": version, "day": date(2026, 11, 1), "account_id": account, "fraud_score": score}
    | {"amount_eur": Decimal(100), "is_fraud": account == "mule"}
    for version, account, score in ((1, "honest", 60), (1, "mule", 0), (2, "honest", 50), (2, "mule", 80))
]
TEAM = Team(alerts_a_day=1, days=2)


@pytest.fixture
def result() -> Backtest:
    return evaluate(SCORES, HITS, ALERTS, TEAM)


def test_a_version_alerts_from_the_lowest_score_within_the_budget(result: Backtest) -> None:
    assert result.current.threshold == 50
    tally = result.current.tally
    assert (tally.caught, tally.frauds, tally.false_positives, tally.honest) == (7, 10, 9, 1_000)
    assert tally.recall == 0.7
    assert tally.false_positive_rate == 0.009
    assert tally.precision == 7 / 16
    assert (tally.caught_eur, tally.fraud_eur) == (Decimal(985), Decimal(1_000))


def test_a_version_that_cannot_keep_the_budget_catches_nothing(result: Backtest) -> None:
    hopeless = result.versions[0]
    assert (hopeless.rule_version, hopeless.tally.caught, hopeless.tally.false_positives) == (1, 0, 0)


def test_a_score_of_nothing_is_no_alert() -> None:
    [version] = evaluate([row(1, 0, "mule_chain", 1), row(1, 0, None, 1)], [], [], TEAM).versions
    assert version.tally.caught == 0


def test_recall_is_known_by_typology(result: Backtest) -> None:
    assert result.current.recall_by_typology == {"card_testing": 0.25, "mule_chain": 1.0}


def test_a_rule_is_judged_on_its_own_against_all_fraud(result: Backtest) -> None:
    burst, night = result.rules
    assert (burst.signal, burst.tally.caught, burst.tally.false_positives) == ("BURST", 6, 5)
    assert (burst.tally.recall, burst.tally.precision) == (0.6, 6 / 11)
    assert (night.signal, night.tally.recall, night.tally.caught_eur) == ("NIGHT", 0.2, Decimal(10))


def test_average_precision_is_the_precision_at_each_score_by_the_recall_that_it_adds(result: Backtest) -> None:
    # From 80: 6 of 11 right, recall 0.6; from 50: 7 of 16, 0.7; from 30: 9 of 29, 0.9; from 0: 10 of 1010, 1.
    expected = 0.6 * 6 / 11 + 0.1 * 7 / 16 + 0.2 * 9 / 29 + 0.1 * 10 / 1010
    assert result.current.average_precision == pytest.approx(expected)


def test_a_version_is_judged_by_what_a_team_finds_that_follows_its_ranking(result: Backtest) -> None:
    before, now = (version.daily for version in result.versions)
    assert (before.found, before.precision) == (0, 0.0)
    assert (now.found, now.precision, now.ceiling) == (1, 0.5, 0.5)


def test_the_goal_is_asked_of_the_newest_version(result: Backtest) -> None:
    assert not result.is_good
    better = [r | {"fraud_score": 80} if r["rule_version"] == 2 and r["typology"] else r for r in SCORES]
    assert evaluate(better, [], [], TEAM).is_good


def test_nothing_scored_is_no_result() -> None:
    with pytest.raises(ValueError, match="nothing was scored"):
        evaluate([], [], [], TEAM)


def test_tables_have_a_cell_for_each_column(result: Backtest) -> None:
    for columns, rows in (
        (report.VERSION_COLUMNS, report.version_rows(result)),
        (report.TEAM_COLUMNS, report.team_rows(result)),
        (report.RULE_COLUMNS, report.rule_rows(result)),
        (report.typology_columns(result), report.typology_rows(result)),
    ):
        assert {len(cells) for cells in rows} == {len(columns)}
        assert len(markdown_table(columns, rows).splitlines()) == 2 + len(rows)


def test_the_plot_has_a_line_per_version(result: Backtest) -> None:
    lines = ET.fromstring(report.plot_svg(result)).findall("{http://www.w3.org/2000/svg}polyline")  # noqa: S314
    assert len(lines) == 2
    assert len(lines[1].attrib["points"].split()) == 4


def test_a_program_gets_the_figures_and_money_as_text(result: Backtest) -> None:
    given = report.as_dict(result)
    assert (given["ok"], given["versions"][1]["recall"], given["versions"][1]["caught_eur"]) == (False, 0.7, "985")
    assert given["rules"][0]["signal"] == "BURST"
    team = given["versions"][1]
    assert (team["alerts_a_day"], team["precision_at_k"], team["precision_at_k_of_at_most"]) == (1, 0.5, 0.5)


def test_the_asset_shows_the_figures_the_tables_and_the_plot(
    result: Backtest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[BacktestConfig] = []

    def pretended(_settings: object, config: BacktestConfig, _say: object) -> Backtest:
        asked.append(config)
        return result

    monkeypatch.setattr("orchestration.backtest.run.run_backtest", pretended)
    since, until = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 29, tzinfo=UTC)
    own = OwnBacktest(since, until, 7, result)
    monkeypatch.setattr("orchestration.backtest.own.own_backtest", lambda *_: own)
    settings = read_stack_settings({"PAYMENTS_HOME": str(tmp_path), "BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:1"})
    done = dg.materialize([fraud_backtest], resources={"settings": settings}, raise_on_error=True)
    [event] = done.get_asset_materialization_events()
    shown = event.materialization.metadata
    assert asked == [BacktestConfig()]
    assert (shown["recall"].value, shown["rule_version"].value, shown["caught_eur"].value) == (0.7, 2, "985")
    assert str(shown["plot"].value).startswith("![recall over false positives](data:image/svg+xml;base64,")
    assert "BURST" in str(shown["rules"].value)
    assert shown["own_payments"].value == (
        "Your own payments of 2026-10-01 to 2026-10-28, of which 7 are labelled as fraud"
    )
    assert shown["own_daily_alerts"].value == shown["daily_alerts"].value
    assert (shown["precision_at_k"].value, shown["average_precision"].value) == (0.5, result.current.average_precision)


def test_labelled_payments_are_the_same_for_the_same_seed_and_of_every_typology() -> None:
    config = BacktestConfig(events=20_000, seed=3)
    first, again = (list(labelled_payments(config)) for _ in range(2))
    assert first == again
    assert {payment.fraud for payment in first} == {None, *Typology}
    assert first != list(labelled_payments(BacktestConfig(events=20_000, seed=4)))


def test_the_first_days_only_give_accounts_a_past() -> None:
    assert BacktestConfig(days=21, history_days=7).judged_since == datetime(2026, 10, 19, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong", [{"events": 10}, {"days": 1}, {"history_days": 21}, {"fraud_rate": 0.9}, {"alerts_a_day": 0}]
)
def test_a_backtest_that_would_say_nothing_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match="must be between"):
        BacktestConfig(**wrong)
