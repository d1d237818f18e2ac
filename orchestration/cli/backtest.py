"""`payments backtest`: how good the fraud rules are, by version and rule, on traffic whose fraud is labelled.

Belongs here: arguments and printing. Does not belong here: the run (backtest), the arithmetic (backtest).
"""

import json
from typing import Annotated

import typer

from orchestration.backtest import report as report
from orchestration.backtest.run import BacktestConfig, run_backtest
from orchestration.backtest.scoring import FALSE_POSITIVE_BUDGET, RECALL_GOAL, Backtest
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import read_stack_settings

_DEFAULTS = BacktestConfig()


def backtest(
    events: Annotated[int, typer.Option(help="Payments to simulate.")] = _DEFAULTS.events,
    seed: Annotated[int, typer.Option(help="The same seed gives the same figures.")] = _DEFAULTS.seed,
    days: Annotated[int, typer.Option(help="Days that they spread over.")] = _DEFAULTS.days,
    history_days: Annotated[int, typer.Option(help="First days, which are not judged.")] = _DEFAULTS.history_days,
    fraud_rate: Annotated[float, typer.Option(help="Share of labelled fraud.")] = _DEFAULTS.fraud_rate,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Score labelled traffic with every version of the fraud rules. Exits 1 where the newest misses the goal."""
    config = BacktestConfig(events, seed, days, history_days, fraud_rate)
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    result = run_backtest(settings, config, (lambda _line: None) if as_json else say)
    if as_json:
        typer.echo(json.dumps(report.as_dict(result), indent=2))
    else:
        show(result)
    if not result.is_good:
        raise typer.Exit(1)


def show(result: Backtest) -> None:
    """For a person."""
    table("Each rule on its own", report.RULE_COLUMNS, report.rule_rows(result))
    table("Recall by typology", report.typology_columns(result), report.typology_rows(result))
    table(
        f"Versions, at {FALSE_POSITIVE_BUDGET:.0%} false positives", report.VERSION_COLUMNS, report.version_rows(result)
    )
    verdict = "reaches" if result.is_good else "MISSES"
    recall = result.current.tally.recall
    say(f"Version {result.current.rule_version} {verdict} the goal: recall {recall:.1%}, wanted {RECALL_GOAL:.0%}.")
