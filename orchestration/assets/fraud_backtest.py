"""The fraud rules' backtest as an asset: its figures, tables and plot are metadata of each materialization.

Belongs here: the asset. Does not belong here: the run (backtest), how it looks (backtest).
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg

from orchestration import names
from orchestration.presentation.markdown import markdown_table
from orchestration.settings import StackSettings
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from orchestration.backtest.own import OwnBacktest


class FraudBacktestConfig(dg.Config):
    """As `payments backtest` has it."""

    events: int = 50_000
    seed: int = 2026
    days: int = 21
    history_days: int = 7
    fraud_rate: float = 0.005
    alerts_a_day: int = 10
    own_days: int = 28
    label_delay_days: int = 7


@dg.asset(
    key=names.FRAUD_BACKTEST,
    description="How much labelled fraud each version of the fraud rules catches at 1 % false positives.",
    deps=[dg.AssetKey([names.PREFIX, "fraud_rules"]), dg.AssetKey([names.PREFIX, "fraud_rule_versions"])],
    group_name="fraud",
    kinds={"dbt", "bigquery"},
    owners=names.OWNERS,
    pool="dbt",
)
def fraud_backtest(
    context: dg.AssetExecutionContext, config: FraudBacktestConfig, settings: dg.ResourceParam[StackSettings]
) -> dg.MaterializeResult[None]:
    """Simulate, score by dbt's models in a dataset apart, judge."""
    from orchestration.backtest import report as report
    from orchestration.backtest.own import OwnConfig, own_backtest
    from orchestration.backtest.run import BacktestConfig, run_backtest
    from spark_jobs.warehouse.client import connect

    given = config.model_dump()
    wanted = OwnConfig(given.pop("own_days"), given.pop("label_delay_days"), config.alerts_a_day)
    result = run_backtest(settings, BacktestConfig(**given), context.log.info)
    with connect(settings.job, Work.DECISION) as client:
        own = own_backtest(client, settings.job, wanted, datetime.now(UTC))
    tally = result.current.tally
    tables = {
        "versions": markdown_table(report.VERSION_COLUMNS, report.version_rows(result)),
        "daily_alerts": markdown_table(report.TEAM_COLUMNS, report.team_rows(result)),
        "rules": markdown_table(report.RULE_COLUMNS, report.rule_rows(result)),
        "typologies": markdown_table(report.typology_columns(result), report.typology_rows(result)),
        **_of_own(own),
        "plot": report.plot_markdown(result),
    }
    return dg.MaterializeResult(
        metadata={
            "rule_version": result.current.rule_version,
            "recall": tally.recall,
            "precision": tally.precision,
            "false_positive_rate": tally.false_positive_rate,
            "average_precision": result.current.average_precision,
            "precision_at_k": result.current.daily.precision,
            "caught_eur": str(tally.caught_eur),
            "fraud_eur": str(tally.fraud_eur),
            **{name: dg.MetadataValue.md(text) for name, text in tables.items()},
        }
    )


def _of_own(own: "OwnBacktest | None") -> dict[str, str]:
    """The same tables of one's own payments, by their titles; none where no payment is labelled."""
    from orchestration.backtest import report as report

    if own is None:
        return {}
    return {
        "own_payments": own.title,
        "own_versions": markdown_table(report.VERSION_COLUMNS, report.version_rows(own.backtest)),
        "own_daily_alerts": markdown_table(report.TEAM_COLUMNS, report.team_rows(own.backtest)),
    }
