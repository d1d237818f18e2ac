"""Six random kills of the running platform: nothing lost, nothing doubled, nothing misjudged."""

from pathlib import Path

import pytest

from tests.faults.chaos import VICTIMS, Chaos

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

KILLS = 6
SEED = 83
"""One whose kills are of every kind but the slowest. `make chaos` takes others, and more of them."""


def test_random_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    outcome = Chaos(tmp_path, SEED, print).run(KILLS)
    assert {kill.victim for kill in outcome.kills} == set(VICTIMS) - {"dagster"}
    assert len(outcome.kills) == KILLS
    assert outcome.delivered > 0
    assert outcome.is_exact, outcome.markdown()
