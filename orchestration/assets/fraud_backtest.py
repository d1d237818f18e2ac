"""The fraud rules' backtest as an asset: its figures, tables and plot are metadata of each materialization.

Belongs here: the asset. Does not belong here: the run (backtest), how it looks (backtest).
"""

import dagster as dg

from orchestration import names
from orchestration.presentation.markdown import markdown_table
from orchestration.settings import StackSettings


class FraudBacktestConfig(dg.Config):
    """As `payments backtest` has it."""

    events: int = 50_000
    seed: int = 2026
    days: int = 21
    history_days: int = 7
    fraud_rate: float = 0.005


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
    from orchestration.backtest.run import BacktestConfig, run_backtest

    wanted = BacktestConfig(config.events, config.seed, config.days, config.history_days, config.fraud_rate)
    result = run_backtest(settings, wanted, context.log.info)
    tally = result.current.tally
    tables = {
        "versions": markdown_table(report.VERSION_COLUMNS, report.version_rows(result)),
        "rules": markdown_table(report.RULE_COLUMNS, report.rule_rows(result)),
        "typologies": markdown_table(report.typology_columns(result), report.typology_rows(result)),
        "plot": report.plot_markdown(result),
    }
    return dg.MaterializeResult(
        metadata={
            "rule_version": result.current.rule_version,
            "recall": tally.recall,
            "precision": tally.precision,
            "false_positive_rate": tally.false_positive_rate,
            "caught_eur": str(tally.caught_eur),
            "fraud_eur": str(tally.fraud_eur),
            **{name: dg.MetadataValue.md(text) for name, text in tables.items()},
        }
    )
