"""The jobs: what a sensor, a schedule or a command may run. Belongs here: selections, and nothing that acts.

Each runs in one process: a process per step would import everything again, and open a second Spark session.
"""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration import names
from orchestration.asset_checks import WATCH_CHECKS
from orchestration.assets.fraud_backtest import fraud_backtest
from orchestration.assets.payment_backfill import payment_backfill
from orchestration.assets.sealed_days import day_seals, sealed_days_are_as_they_were_sealed
from orchestration.assets.streaming import publish_payments
from orchestration.automation.retention import delete_what_is_old

_published = dg.AssetSelection.assets(publish_payments)
_backtested = dg.AssetSelection.assets(fraud_backtest)
_backfilled = dg.AssetSelection.assets(payment_backfill)
_sealed = dg.AssetSelection.assets(day_seals)
_seal_checks = dg.AssetSelection.checks(sealed_days_are_as_they_were_sealed)
_nightly = dg.AssetSelection.groups("returns")
"""What reads all payments: once a night, not in each build."""


def process_payments(checks: Sequence[dg.AssetChecksDefinition]) -> UnresolvedAssetJobDefinition:
    """The drain, with the checks that need what it has open."""
    return dg.define_asset_job(
        names.PROCESS_JOB,
        # Without dbt's tests of these tables: a drain does not wait for dbt.
        selection=_published.without_checks() | dg.AssetSelection.checks(*checks),
        description="Drain the backlog in micro-batches: Kafka to the warehouse, exactly once.",
        executor_def=dg.in_process_executor,
    )


def build_warehouse(checks: Sequence[dg.AssetChecksDefinition]) -> UnresolvedAssetJobDefinition:
    """dbt, with all other checks."""
    return dg.define_asset_job(
        names.BUILD_JOB,
        selection=(dg.AssetSelection.all() - _published - _backtested - _backfilled - _sealed - _nightly)
        | (_checked(checks) - _nightly),
        description="Ask the broker for its offsets, build dbt's models, and make every check of the data.",
        executor_def=dg.in_process_executor,
    )


def daily_reconciliation(checks: Sequence[dg.AssetChecksDefinition]) -> UnresolvedAssetJobDefinition:
    """The reconciliations, and every check over all that is stored: a build's checks look at what is open."""
    return dg.define_asset_job(
        names.RECONCILE_JOB,
        selection=dg.AssetSelection.assets(names.KAFKA_OFFSETS)
        | dg.AssetSelection.groups("reconciliation")
        | _nightly
        | _checked(checks),
        description="Reconcile payments, batches and the senders' control totals; what went back; check all days.",
        executor_def=dg.in_process_executor,
    )


check_returns = dg.define_asset_job(
    names.RETURNS_JOB,
    selection=_nightly,
    description="Hold what went back against what was paid, on the first day; every night daily_reconciliation does.",
    executor_def=dg.in_process_executor,
)


def _checked(checks: Sequence[dg.AssetChecksDefinition]) -> dg.AssetSelection:
    """All but those of a drain, of the watch and of the seals."""
    return dg.AssetSelection.all_asset_checks() - dg.AssetSelection.checks(*checks, *WATCH_CHECKS) - _seal_checks


watch_pipeline = dg.define_asset_job(
    names.WATCH_JOB,
    selection=dg.AssetSelection.checks(*WATCH_CHECKS),
    description="Judge health as it stands. The schedule of this name looks and judges every minute, without a run.",
    executor_def=dg.in_process_executor,
)

backtest_fraud_rules = dg.define_asset_job(
    names.BACKTEST_JOB,
    selection=_backtested,
    description="Score labelled traffic with every version of the fraud rules, in a dataset of its own.",
    executor_def=dg.in_process_executor,
)

backfill_day = dg.define_asset_job(
    names.BACKFILL_JOB,
    selection=_backfilled,
    description="Recompute a day of the log beside the live data, show the difference, swap it where told to.",
    executor_def=dg.in_process_executor,
)


seal_days = dg.define_asset_job(
    names.SEAL_JOB,
    selection=_sealed | _seal_checks,
    description="Seal the days that are over, and hold the newest and a sampled sealed day against their seals.",
    executor_def=dg.in_process_executor,
)


@dg.job(
    name=names.TIDY_JOB,
    description="Delete runs that ended long ago, with all that was written of them.",
    executor_def=dg.in_process_executor,
)
def delete_old_runs() -> None:
    """Beside the others: it asks for no pool."""
    delete_what_is_old()


def default_jobs(
    checks: Sequence[dg.AssetChecksDefinition] = (),
) -> list[UnresolvedAssetJobDefinition | dg.JobDefinition]:
    """Every job; `checks` are those that only a drain makes."""
    return [
        process_payments(checks),
        build_warehouse(checks),
        daily_reconciliation(checks),
        watch_pipeline,
        backtest_fraud_rules,
        backfill_day,
        check_returns,
        seal_days,
        delete_old_runs,
    ]
