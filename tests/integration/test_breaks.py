"""The disasters of the field, on the stack that all tests share: seen by the alert that should see it, and mended."""

import re
from collections.abc import Callable

import pytest

from orchestration.alerts.runbooks import FOLDER
from orchestration.breaks import (
    broker_down,
    checkpoint_corrupted,
    data_lost,
    disasters,
    double_money,
    fraud_scores_wrong,
    latency_high,
    out_of_memory,
    state_growing,
)
from orchestration.scenarios.harness.transcript import Transcript
from tests.world import World

pytestmark = pytest.mark.integration


@pytest.fixture
def transcript() -> Transcript:
    return Transcript(is_silent=True)


def mended_by(runbook: str, run: Callable[[World, Transcript], None], world: World, transcript: Transcript) -> None:
    """The break is proved, doctor names the runbook, and the commands of its steps stand under its Mitigation."""
    run(world, transcript)
    assert transcript.is_proved, transcript.failure()
    assert any(f"(runbook: docs/runbooks/{runbook}.md)" in line for line in transcript.lines), transcript.lines
    _, _, mitigation = (FOLDER / f"{runbook}.md").read_text().partition("## Mitigation")
    steps = "\n".join(line for line in transcript.lines if line.startswith("== "))
    done = re.findall(r"`((?:payments|\.venv/bin/dbt) [^`]+)`", steps)
    assert done
    assert [command for command in done if command not in mitigation] == []


def test_a_checkpoint_cut_short_is_told_of_and_rebuilt(world: World, transcript: Transcript) -> None:
    checkpoint_corrupted.run(world, transcript)
    assert transcript.is_proved, transcript.failure()


@pytest.mark.thorough
def test_deleted_records_page_until_the_loss_is_accepted(world: World, transcript: Transcript) -> None:
    mended_by("PaymentsDataLost", data_lost.run, world, transcript)


@pytest.mark.thorough
def test_a_naive_pipeline_counts_money_twice_where_ours_does_not(world: World, transcript: Transcript) -> None:
    double_money.run(world, transcript)
    assert transcript.is_proved, transcript.failure()


@pytest.mark.thorough
@pytest.mark.parametrize(
    "run",
    [
        pytest.param(disasters.no_watermark, marks=pytest.mark.long),
        disasters.no_deduplication,
        disasters.checkpoint_not_persistent,
        disasters.deduplication_after_enrichment,
        pytest.param(disasters.state_above_memory, marks=pytest.mark.long),
    ],
)
def test_a_disaster_of_a_naive_pipeline_is_none_of_ours(
    run: Callable[[World, Transcript], None], world: World, transcript: Transcript
) -> None:
    run(world, transcript)
    assert transcript.is_proved, transcript.failure()


@pytest.mark.thorough
def test_a_state_that_grows_is_told_of_until_the_old_backlog_is_drained(world: World, transcript: Transcript) -> None:
    mended_by("PaymentsStateGrowing", state_growing.run, world, transcript)


@pytest.mark.long
def test_a_backlog_that_has_waited_is_told_of_until_ten_minutes_after_it(world: World, transcript: Transcript) -> None:
    mended_by("PaymentsLatencyHigh", latency_high.run, world, transcript)


@pytest.mark.long
def test_a_wrong_weight_stops_the_build_until_the_rules_are_mended(world: World, transcript: Transcript) -> None:
    mended_by("PaymentsBuildOverdue", fraud_scores_wrong.run, world, transcript)


@pytest.mark.long
def test_a_run_without_memory_pages_until_it_gets_some(world: World, transcript: Transcript) -> None:
    mended_by("PaymentsPublicationOverdue", out_of_memory.run, world, transcript)


@pytest.mark.thorough
def test_a_broker_that_is_away_pages_until_it_answers(world: World, transcript: Transcript) -> None:
    mended_by("PaymentsBrokerDown", broker_down.run, world, transcript)
    assert any("(runbook: docs/runbooks/PaymentsTopicMissing.md)" in line for line in transcript.lines)
