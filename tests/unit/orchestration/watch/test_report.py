"""When the check's verdict is put on record: at each change, and not each minute."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration import names
from orchestration.watch.report import AGAIN_AFTER, report, way_out_of
from orchestration.watch.verdict import Verdict, unreachable
from spark_jobs.settings import read_job_settings

JOB = read_job_settings({})
NOW = datetime.now(UTC)
CHECK = names.HEALTH_CHECK
WELL = Verdict((), ())


def red(*metrics: str, seconds: int = 1) -> Verdict:
    return Verdict(tuple(("FAILING", metric) for metric in metrics), tuple(f"{name} {seconds}" for name in metrics))


def evaluations(instance: dg.DagsterInstance) -> list[bool]:
    found = instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=99)
    data = [each.event.dagster_event.asset_check_evaluation_data for each in found if each.event]  # type: ignore[union-attr]
    return [evaluation.passed for evaluation in reversed(data)]


def test_a_verdict_is_recorded_as_it_changes_and_not_while_it_stays() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        given = [WELL, WELL, red("a"), red("a", seconds=61), red("a", "b"), red("b"), WELL, WELL]
        recorded = [report(instance, verdict, JOB, datetime.now(UTC)) for verdict in given]
        assert recorded == [True, False, True, False, True, True, True, False]
        assert evaluations(instance) == [True, False, False, False, True]


def test_a_verdict_that_stays_is_recorded_again_after_a_while() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert report(instance, WELL, JOB, datetime.now(UTC))
        assert report(instance, WELL, JOB, datetime.now(UTC) + AGAIN_AFTER)
        assert not report(instance, WELL, JOB, datetime.now(UTC) + timedelta(minutes=1))


def test_a_run_that_has_only_planned_the_check_hides_no_verdict() -> None:
    @dg.asset_check(asset=CHECK.asset_key, name=CHECK.name)
    def is_well() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    with dg.DagsterInstance.ephemeral() as instance:
        assert report(instance, WELL, JOB, datetime.now(UTC))
        checks = dg.Definitions(asset_checks=[is_well]).resolve_implicit_global_asset_job_def()
        instance.create_run_for_job(checks)
        assert report(instance, red("a"), JOB, datetime.now(UTC))
        assert not report(instance, red("a"), JOB, datetime.now(UTC))


def test_what_is_not_well_leads_to_the_runbook_of_its_worst_row_and_to_the_rows() -> None:
    found = way_out_of(red("checkpoint_lag_seconds", "state_size_mb"), JOB)
    assert found["runbook"].value.endswith("/runbooks/PaymentsLagHigh.md")
    assert "from `payments-local.payment_data.pipeline_health`" in found["offending_rows"].value
    assert way_out_of(unreachable("refused"), JOB)["runbook"].value.endswith("/runbooks/PaymentsWarehouseDown.md")
    assert way_out_of(WELL, JOB) == {}
