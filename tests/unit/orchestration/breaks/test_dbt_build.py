"""The copy of the dbt project that a break builds from."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from orchestration.breaks import fraud_scores_wrong, latency_high, state_growing
from orchestration.breaks.dbt_build import HEALTH, change_line, health_project, small_project
from orchestration.errors import CommandError
from orchestration.scenarios.harness.sandbox import Sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return cast(Sandbox, SimpleNamespace(folder=tmp_path))


def stems(project: Path, pattern: str) -> set[str]:
    return {path.stem for path in project.glob(pattern)}


def test_the_copy_has_what_a_model_reads_also_through_macros_and_nothing_of_others(sandbox: Sandbox) -> None:
    project = small_project(sandbox, fraud_scores_wrong.MODEL)
    models, seeds = stems(project, "models/**/*.sql"), stems(project, "seeds/*.csv")
    assert {fraud_scores_wrong.MODEL, "int_accounts__habits", "stg_payments__transactions"} <= models
    assert {fraud_scores_wrong.RULES, "fraud_rule_versions", "risk_thresholds", "fx_rates"} <= seeds
    assert not models & {HEALTH, "payment_metrics", "reconciliation_daily"}
    assert "health_limits" not in seeds
    assert stems(project, "models/marts/**/*.yml") == {fraud_scores_wrong.MODEL}
    change_line(project, fraud_scores_wrong.SEED, fraud_scores_wrong.RULE, fraud_scores_wrong.SLIP)


def test_the_lines_that_breaks_change_are_there_and_reconciliations_are_not(sandbox: Sandbox) -> None:
    project = health_project(sandbox)
    assert "reconciliation_summary" in stems(project, "models/**/*.sql")
    assert "reconciliation_daily" not in stems(project, "models/**/*.sql")
    change_line(project, state_growing.SEED, state_growing.LIMIT, state_growing.SMALL_LIMIT)
    change_line(project, "macros/moment.sql", latency_high._MOMENT, latency_high._MOMENT_SET_AHEAD)
    assert latency_high.CLOCK in (project / "macros/moment.sql").read_text()


def test_a_line_that_is_not_there_is_named(sandbox: Sandbox) -> None:
    with pytest.raises(CommandError, match="'no such line' 0 times"):
        change_line(health_project(sandbox), state_growing.SEED, "no such line", "another")
