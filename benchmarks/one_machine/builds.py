"""One build of all models and checks, as the platform's builds are: what it takes, and which nodes took longest.

Belongs here: running dbt, the kernel's accounting of it and of the warehouse, dbt's own times. Does not belong here:
what is in the warehouse (past), figures (report).
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.processes import cpu_seconds
from orchestration.resources.dbt_process import build

MOST_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class Build:
    """Of the wait, and of the CPU time of dbt's process and of the warehouse's. `nodes` are seconds by name."""

    wall_seconds: float
    dbt_cpu_seconds: float
    warehouse_cpu_seconds: float
    nodes: Mapping[str, float]

    @property
    def cpu_seconds(self) -> float:
        """Of both."""
        return self.dbt_cpu_seconds + self.warehouse_cpu_seconds

    def line(self) -> str:
        """For whoever waits."""
        slowest = ", ".join(f"{name} {seconds:.1f}" for name, seconds in slowest_nodes(self.nodes, 6))
        return (
            f"{self.wall_seconds:.1f} s, CPU {self.cpu_seconds:.1f} s (dbt {self.dbt_cpu_seconds:.1f}, warehouse "
            f"{self.warehouse_cpu_seconds:.1f}); {slowest}"
        )


def measured_build(folder: Path, env: Mapping[str, str], warehouse_pid: int) -> Build:
    """Build, in a dbt process of its own, with what the last one parsed.

    Raises:
        CommandError: something failed.
        RuntimeError: a check warned: the days are not as the pipeline leaves them.
    """
    # It imports Dagster: that is not of the build.
    from orchestration.assets.dbt_models import BUILD_ARGS, NOT_NIGHTLY

    began, own, warehouse = time.monotonic(), cpu_seconds(os.getpid()), cpu_seconds(warehouse_pid)
    build("build models", folder, env, *BUILD_ARGS[1:], *NOT_NIGHTLY, timeout_seconds=MOST_SECONDS)
    wall = time.monotonic() - began
    own, warehouse = cpu_seconds(os.getpid()) - own, cpu_seconds(warehouse_pid) - warehouse
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    if not_green := [name_of(result["unique_id"]) for result in results if not is_green(result["status"])]:
        raise RuntimeError(f"not green: {', '.join(not_green)}")
    return Build(wall, own, warehouse, {name_of(r["unique_id"]): float(r["execution_time"]) for r in results})


def is_green(status: str) -> bool:
    """Of a model, a seed, a hook or a check, as dbt calls it."""
    return status in ("success", "pass")


def name_of(unique_id: str) -> str:
    """A node's name, of `test.payments.NAME.HASH` or `model.payments.NAME`."""
    return unique_id.split(".")[2]


def slowest_nodes(nodes: Mapping[str, float], count: int) -> Sequence[tuple[str, float]]:
    """The first so many by their time."""
    return sorted(nodes.items(), key=lambda item: -item[1])[:count]
