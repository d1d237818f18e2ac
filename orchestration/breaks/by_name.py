"""The breaks by name. Belongs here: the list, and nothing that acts. Does not belong here: a break itself."""

from collections.abc import Callable

from orchestration.breaks import checkpoint_corrupted, data_lost, double_money
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.transcript import Transcript

BREAKS: dict[str, Callable[[Sandbox, Transcript], None]] = {
    "checkpoint-corrupted": checkpoint_corrupted.run,
    "data-lost": data_lost.run,
    "double-money": double_money.run,
}
