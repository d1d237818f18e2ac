"""A real stack that all integration tests share, and a corner of it for each test: topic, dataset and checkpoint."""

import shutil
from dataclasses import dataclass

from orchestration.scenarios.corner import Corner
from orchestration.scenarios.corner import Row as Row
from orchestration.scenarios.corner import event as event


@dataclass
class World(Corner):
    """One test's corner of the shared stack."""

    def lose_checkpoint(self) -> None:
        shutil.rmtree(self.folder / "checkpoints")
