"""The disasters of the field, on the stack that all tests share: seen by the alert that should see it, and mended."""

import pytest

from orchestration.breaks import checkpoint_corrupted, data_lost, double_money
from orchestration.scenarios.harness.transcript import Transcript
from tests.world import World

pytestmark = pytest.mark.integration


@pytest.fixture
def transcript() -> Transcript:
    return Transcript(is_silent=True)


def test_a_checkpoint_cut_short_is_told_of_and_rebuilt(world: World, transcript: Transcript) -> None:
    checkpoint_corrupted.run(world, transcript)
    assert transcript.is_proved, transcript.failure()


@pytest.mark.thorough
def test_deleted_records_page_until_the_loss_is_accepted(world: World, transcript: Transcript) -> None:
    data_lost.run(world, transcript)
    assert transcript.is_proved, transcript.failure()
    assert any("runbook: docs/runbooks/PaymentsDataLost.md" in line for line in transcript.lines)


@pytest.mark.thorough
def test_a_naive_pipeline_counts_money_twice_where_ours_does_not(world: World, transcript: Transcript) -> None:
    double_money.run(world, transcript)
    assert transcript.is_proved, transcript.failure()
