"""The disasters of the field, on the stack that all tests share: seen by the alert that should see it, and mended."""

import pytest

from orchestration.breaks import checkpoint_corrupted
from orchestration.scenarios.harness.transcript import Transcript
from tests.world import World

pytestmark = pytest.mark.integration


@pytest.fixture
def transcript() -> Transcript:
    return Transcript(is_silent=True)


def test_a_checkpoint_cut_short_is_told_of_and_rebuilt(world: World, transcript: Transcript) -> None:
    checkpoint_corrupted.run(world, transcript)
    assert transcript.is_proved, transcript.failure()
