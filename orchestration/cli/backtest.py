"""`payments backtest`: how good the fraud rules are, by version and rule, on traffic whose fraud is labelled.

Belongs here: arguments and printing. Does not belong here: the run (backtest), the arithmetic (backtest).
"""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from orchestration.backtest import report as report
from orchestration.backtest.own import OwnBacktest, OwnConfig, own_backtest
from orchestration.backtest.run import BacktestConfig, run_backtest
from orchestration.backtest.scoring import FALSE_POSITIVE_BUDGET, RECALL_GOAL, Backtest
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import StackSettings, read_stack_settings
from spark_jobs.warehouse.job_labels import Work

_DEFAULTS, _OWN = BacktestConfig(), OwnConfig()


def backtest(
    events: Annotated[int, typer.Option(help="Payments to simulate.")] = _DEFAULTS.events,
    seed: Annotated[int, typer.Option(help="The same seed gives the same figures.")] = _DEFAULTS.seed,
    days: Annotated[int, typer.Option(help="Days that they spread over.")] = _DEFAULTS.days,
    history_days: Annotated[int, typer.Option(help="First days, which are not judged.")] = _DEFAULTS.history_days,
    fraud_rate: Annotated[float, typer.Option(help="Share of labelled fraud.")] = _DEFAULTS.fraud_rate,
    alerts_a_day: Annotated[
        int, typer.Option(help="Alerts that a team can look at on a day; an alert is an account.")
    ] = _DEFAULTS.alerts_a_day,
    own_days: Annotated[int, typer.Option(help="Days of your own payments, by `payments label`.")] = _OWN.days,
    label_delay_days: Annotated[
        int, typer.Option(help="Newer payments of yours are not judged: their labels may still come.")
    ] = _OWN.label_delay_days,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Score labelled traffic with every version of the fraud rules. Exits 1 where the newest misses the goal."""
    config = BacktestConfig(events, seed, days, history_days, fraud_rate, alerts_a_day)
    wanted = OwnConfig(own_days, label_delay_days, alerts_a_day)
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    result = run_backtest(settings, config, (lambda _line: None) if as_json else say)
    own = _of_own(settings, wanted)
    if as_json:
        typer.echo(json.dumps(report.as_dict(result) | {"own": report.own_as_dict(own)}, indent=2))
    else:
        show(result)
        show_own(own, wanted)
    if not result.is_good:
        raise typer.Exit(1)


def _of_own(settings: StackSettings, wanted: OwnConfig) -> OwnBacktest | None:
    from spark_jobs.warehouse.client import connect

    with connect(settings.job, Work.DECISION) as client:
        return own_backtest(client, settings.job, wanted, datetime.now(UTC))


def show(result: Backtest) -> None:
    """For a person."""
    _show_tables(result)
    verdict = "reaches" if result.is_good else "MISSES"
    recall = result.current.tally.recall
    say(f"Version {result.current.rule_version} {verdict} the goal: recall {recall:.1%}, wanted {RECALL_GOAL:.0%}.")


def show_own(own: OwnBacktest | None, wanted: OwnConfig) -> None:
    """The same of one's own payments; the goal is of the simulated ones."""
    if own is None:
        since, until = (moment.date() for moment in wanted.period(datetime.now(UTC)))
        say(f"Your own payments: none from {since} until {until} is labelled as fraud (`payments label`).")
        return
    say(f"{own.title}:")
    _show_tables(own.backtest)


def _show_tables(result: Backtest) -> None:
    table("Each rule on its own", report.RULE_COLUMNS, report.rule_rows(result))
    table("Recall by typology", report.typology_columns(result), report.typology_rows(result))
    table(
        f"Versions, at {FALSE_POSITIVE_BUDGET:.0%} false positives", report.VERSION_COLUMNS, report.version_rows(result)
    )
    table("Versions, for a team that looks at so many alerts a day", report.TEAM_COLUMNS, report.team_rows(result))
