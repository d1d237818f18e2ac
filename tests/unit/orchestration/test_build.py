"""The code location as a whole: one graph, the right things on by default, one line where dbt was never parsed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster_dbt import DbtCliResource

from orchestration import names
from orchestration.asset_checks import judge_delta, judge_lag, judge_newest_batch
from orchestration.assets.dbt_events import with_more_metadata
from orchestration.assets.dbt_models import warehouse_assets
from orchestration.assets.dbt_translator import group_of
from orchestration.assets.sealed_days import judge_seals
from orchestration.assets.streaming import PUBLISHED_TABLES
from orchestration.build import build_defs
from orchestration.dashboard.serving.server import documents
from orchestration.resources.dbt_cli import InstalledDbt
from orchestration.settings import DBT_PROJECT_DIR
from orchestration.watch.report import way_out_of
from orchestration.watch.verdict import Verdict
from spark_jobs.settings import SettingError, read_job_settings
from spark_jobs.sinks.delta.comparison import Comparison


@pytest.fixture
def definitions(manifest_path: Path) -> dg.Definitions:
    return build_defs(manifest=manifest_path)


def steps_of(definitions: dg.Definitions, job_name: str) -> set[str]:
    return {node.name for node in definitions.resolve_job_def(job_name).nodes}


def page_is_there(page: dg.UrlMetadataValue) -> bool:
    """Whether a link leads to a page of the documents that the dashboard serves."""
    base, _, path = str(page.value).partition("/docs/")
    return base == "http://127.0.0.1:3080" and path in documents()


def test_everything_fits_together(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_a_project_that_was_never_parsed_is_one_line_that_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="run `make setup`"):
        build_defs(manifest=tmp_path / "manifest.json")


def test_what_spark_publishes_is_what_dbt_reads(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    staging = graph.get(dg.AssetKey([names.PREFIX, "stg_deliveries"]))
    assert staging.parent_keys == {names.DELIVERIES}
    assert graph.get(names.DELIVERIES).parent_keys == {names.PAYMENT_EVENTS}
    assert graph.get(names.DELIVERIES).is_materializable


def test_every_published_table_is_an_asset(definitions: dg.Definitions) -> None:
    keys = definitions.resolve_asset_graph().materializable_asset_keys
    assert {dg.AssetKey([names.PREFIX, table.name]) for table in PUBLISHED_TABLES} <= keys


def test_the_topic_and_the_senders_reports_are_outside(definitions: dg.Definitions) -> None:
    assert {names.PAYMENT_EVENTS, names.CONTROL_TOTALS} <= definitions.resolve_asset_graph().external_asset_keys


def test_whatever_is_outside_says_what_it_is() -> None:
    graph = build_defs().resolve_asset_graph()
    for key in graph.external_asset_keys:
        assert graph.get(key).description, key
        assert graph.get(key).group_name != "default", key


def test_models_have_the_prefix_the_group_of_their_folder_and_an_owner(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    groups = {"stg_deliveries": "staging", "reconciliation_daily": "reconciliation", "currencies": "reference"}
    for name, group in groups.items():
        node = graph.get(dg.AssetKey([names.PREFIX, name]))
        assert (node.group_name, list(node.owners)) == (group, names.OWNERS)


def test_tests_of_sources_are_checks_too_of_the_model_that_stands_for_them(definitions: dg.Definitions) -> None:
    checks = definitions.resolve_asset_graph().asset_check_keys
    assert dg.AssetCheckKey(dg.AssetKey([names.PREFIX, "stg_deliveries"]), "deliveries_are_unique") in checks
    assert dg.AssetCheckKey(dg.AssetKey([names.PREFIX, "reconciliation_daily"]), "days_are_unique") in checks


def test_a_drain_does_not_wait_for_dbt(definitions: dg.Definitions) -> None:
    steps = steps_of(definitions, names.PROCESS_JOB)
    assert names.PUBLISH_OP in steps
    assert "dbt_models" not in steps


def test_a_build_does_not_start_spark(definitions: dg.Definitions) -> None:
    steps = steps_of(definitions, names.BUILD_JOB)
    assert "dbt_models" in steps
    assert names.PUBLISH_OP not in steps


def test_deltas_check_is_a_drains_where_delta_is_a_sink_and_nowhere_else(manifest_path: Path) -> None:
    key = dg.AssetCheckKey(names.DELIVERIES, "delta_agrees_with_the_warehouse")

    def checked_by(has_delta: bool) -> set[str]:
        definitions = build_defs(manifest=manifest_path, has_delta=has_delta)
        jobs = (names.PROCESS_JOB, names.BUILD_JOB, names.RECONCILE_JOB)
        found = {job: definitions.resolve_job_def(job).asset_layer.asset_graph.asset_check_keys for job in jobs}
        return {job for job, keys in found.items() if key in keys}

    assert checked_by(has_delta=True) == {names.PROCESS_JOB}
    assert checked_by(has_delta=False) == set()


def test_a_backtest_runs_only_when_it_is_asked_for(definitions: dg.Definitions) -> None:
    backtest = definitions.resolve_job_def(names.BACKTEST_JOB).asset_layer.selected_asset_keys
    assert backtest == {names.FRAUD_BACKTEST}
    for job in (names.BUILD_JOB, names.PROCESS_JOB, names.RECONCILE_JOB):
        assert names.FRAUD_BACKTEST not in definitions.resolve_job_def(job).asset_layer.selected_asset_keys


def test_the_nightly_job_reconciles_from_the_brokers_own_offsets(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def(names.RECONCILE_JOB)
    assert job.asset_layer.selected_asset_keys == {
        names.KAFKA_OFFSETS,
        dg.AssetKey([names.PREFIX, "reconciliation_daily"]),
    }


def test_the_nightly_job_makes_every_check_that_a_build_makes(definitions: dg.Definitions) -> None:
    nightly, build = (
        definitions.resolve_job_def(job).asset_layer.asset_graph.asset_check_keys
        for job in (names.RECONCILE_JOB, names.BUILD_JOB)
    )
    assert nightly == build != set()


def test_sensors_and_schedules_run_without_being_switched_on(definitions: dg.Definitions) -> None:
    assert {sensor.default_status for sensor in definitions.sensors or []} == {dg.DefaultSensorStatus.RUNNING}
    schedules = [one for one in definitions.schedules or [] if isinstance(one, dg.ScheduleDefinition)]
    assert {one.default_status for one in schedules} == {dg.DefaultScheduleStatus.RUNNING}
    times = {one.name: (one.cron_schedule, one.execution_timezone) for one in schedules}
    assert times["daily_reconciliation"] == ("0 2 * * *", "UTC")
    assert times[names.TIDY_JOB] == ("30 */6 * * *", "UTC")
    assert times[names.WATCH_JOB] == ("* * * * *", "UTC")


def test_the_sensors_that_have_to_tick_are_those_that_there_are(definitions: dg.Definitions) -> None:
    assert {sensor.name for sensor in definitions.sensors or []} == set(names.SENSORS)


def test_health_is_judged_by_the_watch_and_by_no_build_that_would_fail_of_it() -> None:
    assert {job.name for job in jobs_of(build_defs()) if names.HEALTH_CHECK in checks_of(job)} == {names.WATCH_JOB}


def test_whoever_makes_an_asset_makes_its_checks() -> None:
    """Those of another job would be "Not evaluated" until that job has run: under traffic most of the time."""
    definitions = build_defs(has_delta=True)
    every = definitions.resolve_asset_graph().asset_check_keys
    made = {job.name: job.asset_layer.selected_asset_keys for job in jobs_of(definitions)}
    assert made[names.PROCESS_JOB] >= {names.DELIVERIES}
    left = {
        (job.name, key.to_user_string())
        for job in jobs_of(definitions)
        for key in every - checks_of(job)
        if key.asset_key in made[job.name]
    }
    assert left == set()


def test_what_a_drain_makes_is_checked_by_nobody_else() -> None:
    """A drain goes on for minutes, batch by batch: what others say of its table would be of an older batch by then."""
    jobs = {job.name: checks_of(job) for job in jobs_of(build_defs(has_delta=True))}
    of_a_drain = jobs.pop(names.PROCESS_JOB)
    assert {key.asset_key for key in of_a_drain} == {names.DELIVERIES}
    assert not of_a_drain & set().union(*jobs.values())


def jobs_of(definitions: dg.Definitions) -> list[dg.JobDefinition]:
    """Those with a name of ours."""
    return [job for job in definitions.resolve_all_job_defs() if not job.name.startswith("__")]


def checks_of(job: dg.JobDefinition) -> set[dg.AssetCheckKey]:
    return set(job.asset_layer.asset_graph.asset_check_keys)


def test_there_is_one_spark_driver_at_a_time_and_a_step_is_tried_again(definitions: dg.Definitions) -> None:
    node = definitions.resolve_job_def(names.PROCESS_JOB).get_node_named(names.PUBLISH_OP).definition
    assert isinstance(node, dg.OpDefinition)
    assert node.pool == "spark"
    assert node.retry_policy is not None
    assert node.retry_policy.backoff is dg.Backoff.EXPONENTIAL


def test_a_resource_can_be_replaced(manifest_path: Path) -> None:
    replaced = build_defs(manifest=manifest_path, resources={"broker": "another"}).resources
    assert replaced is not None
    assert replaced["broker"] == "another"
    assert "spark" in replaced


def test_what_we_leave_out_of_dagster_dbt_is_still_there_to_be_left_out() -> None:
    own = {name for name in vars(InstalledDbt) if name.startswith("_") and name in vars(DbtCliResource)}
    assert {"_cli_version", "_initialize_dbt_core_adapter"} <= own


def test_every_asset_has_an_owner_a_kind_a_description_and_a_page_that_is_there() -> None:
    specs = build_defs().resolve_all_asset_specs()
    assert len(specs) > 50
    for spec in specs:
        assert (spec.owners, bool(spec.kinds), bool(spec.description)) == (names.OWNERS, True, True), spec.key
        page = spec.metadata["document"]
        assert isinstance(page, dg.UrlMetadataValue), spec.key
        assert page_is_there(page), spec.key


def test_what_only_the_night_makes_may_be_26_hours_old_and_what_follows_the_topic_as_old_as_it_is() -> None:
    limited = {spec.group_name for spec in build_defs().resolve_all_asset_specs() if spec.freshness_policy}
    assert limited == {"returns", "audit"}
    policies = {spec.key: spec.freshness_policy for spec in build_defs().resolve_all_asset_specs()}
    assert policies[names.DELIVERIES] is None
    assert policies[names.DAY_SEALS] is not None


JOB = read_job_settings({})
BATCH = {"batch_id": 7, "delivered": 3, "unique_count": 2, "offsets": 3, "stored": 3}
UNWELL = Verdict((("FAILING", "build_overdue_seconds"),), ("FAILING: build_overdue_seconds is 1",))
FAILED: dict[str, dg.AssetCheckResult] = {
    "consumer_lag_is_small": judge_lag(JOB.max_offsets_per_batch, JOB),
    "newest_batch_conserves_records": judge_newest_batch(BATCH, JOB),
    "delta_agrees_with_the_warehouse": judge_delta(Comparison(7, 3, {"payments": [(1,)]}, {}), JOB),
    "pipeline_is_healthy": dg.AssetCheckResult(passed=False, metadata=way_out_of(UNWELL, JOB)),
    "sealed_days_are_as_they_were_sealed": judge_seals(["2026-01-05: another digest"], ["2026-01-05"], JOB),
}
"""Each check that is not dbt's, failed."""


def test_every_data_test_of_dbt_is_a_check_of_an_asset() -> None:
    nodes = json.loads((DBT_PROJECT_DIR / "target" / "manifest.json").read_text())["nodes"].values()
    tests = {node["name"] for node in nodes if node["resource_type"] == "test" and node["config"]["enabled"]}
    assets = build_defs().resolve_asset_graph().get_all_asset_keys()
    checks = warehouse_assets().check_keys
    assert {key.name for key in checks} == tests != set()
    assert {key.asset_key for key in checks} <= assets


def test_what_is_checked_at_night_alone_is_a_check_of_what_is_built_at_night_alone() -> None:
    """A build that leaves a check out would leave it "Not Evaluated" on an asset that it builds."""
    nodes = json.loads((DBT_PROJECT_DIR / "target" / "manifest.json").read_text())["nodes"].values()
    nightly = {node["name"] for node in nodes if node["resource_type"] == "test" and "nightly" in node["tags"]}
    shown_on = {key.asset_key for key in warehouse_assets().check_keys if key.name in nightly}
    assert shown_on == {names.RETURNS}


ROWS = (
    "source.payments.payment_raw.payment_deliveries",
    "source.payments.payment_raw.payment_transactions",
    "model.payments.payment_transactions_fraud",
)
TOTALS = {
    "assert_control_totals_agree",
    "assert_ledger_amounts_equal_deliveries",
    "assert_ledger_ranges_are_contiguous",
    "assert_offsets_equal_dispositions",
    "assert_settlements_agree",
}
"""Checks of sums over payments or deliveries: each build makes them."""


def test_a_check_that_reads_payments_or_deliveries_looks_with_the_others_unless_it_is_one_of_totals() -> None:
    manifest = json.loads((DBT_PROJECT_DIR / "target" / "manifest.json").read_text())
    above = manifest["parent_map"]
    views = {node["unique_id"] for node in manifest["nodes"].values() if node["config"].get("materialized") == "view"}

    def reads_rows(node: str) -> bool:
        return any(up in ROWS or (up in views and reads_rows(up)) for up in above[node])

    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    reading = {node["name"]: node["tags"] for node in tests if reads_rows(node["unique_id"])}
    assert {name for name, tags in reading.items() if not {"rows", "nightly"} & set(tags)} == TOTALS
    assert {node["name"] for node in tests if "rows" in node["tags"]} <= reading.keys()


def test_every_check_that_fails_leads_to_its_runbook_and_to_the_query_of_its_rows(tmp_path: Path) -> None:
    """Of all checks of the code location: those that Dagster makes, and those that are dbt's tests."""
    definitions = build_defs(has_delta=True)
    of_dbt = {key.name for key in warehouse_assets().check_keys}
    every = definitions.resolve_asset_graph().asset_check_keys
    assert {key.name for key in every} == of_dbt | FAILED.keys()
    failed = [*FAILED.items(), *failed_tests_of_dbt(tmp_path)]
    assert {name for name, _ in failed} >= {key.name for key in every}
    for name, result in failed:
        assert not result.passed, name
        runbook = result.metadata["runbook"]
        assert isinstance(runbook, dg.UrlMetadataValue), name
        assert page_is_there(runbook), name
        assert "select" in str(result.metadata["offending_rows"].value), name


def failed_tests_of_dbt(target: Path) -> Iterator[tuple[str, dg.AssetCheckResult]]:
    """Each of dbt's tests as it fails, in a folder where dbt has compiled it."""
    manifest = json.loads((DBT_PROJECT_DIR / "target" / "manifest.json").read_text())
    nodes = manifest["nodes"]
    for unique_id, node in nodes.items():
        if node["resource_type"] != "test":
            continue
        # As dbt lays them: a test of its own file there, one of a yml in a folder of that name.
        path = target / "compiled" / node["package_name"] / node["original_file_path"]
        path = path / node["path"] if path.suffix == ".yml" else path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("select 1")
        tested = node.get("attached_node") or next(iter(node["depends_on"]["nodes"]))
        key = dg.AssetKey([names.PREFIX, tested.rpartition(".")[2]])
        result = dg.AssetCheckResult(
            passed=False, asset_key=key, check_name=node["name"], metadata={"unique_id": unique_id}
        )
        [given] = with_more_metadata(iter([result]), nodes, group_of, target)
        yield node["name"], given


def test_the_statements_of_offending_rows_are_bounded_and_read_no_content() -> None:
    texts = {name: str(result.metadata["offending_rows"].value) for name, result in FAILED.items()}
    assert not [name for name, text in texts.items() if re.search("raw_|account|\\*.*payment_deliveries", text)]
    assert "kafka_timestamp between" in texts["newest_batch_conserves_records"]
    assert "day in ('2026-01-05')" in texts["sealed_days_are_as_they_were_sealed"]
