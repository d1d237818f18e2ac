"""dbt's models in a scenario's own dataset.

Belongs here: building some of them. Does not belong here: which a scenario looks at, and how dbt is called
(resources).
"""

import os
from collections.abc import Iterable

from orchestration.resources.dbt_process import build
from orchestration.scenarios.harness.sandbox import Sandbox

_DBT_SECONDS = 300


def build_models(sandbox: Sandbox, what: str, nodes: Iterable[str]) -> None:
    """Build `nodes` and what they stand on; `what` is said in an error, after "dbt could not build".

    Raises:
        CommandError: dbt could not build them.
    """
    build(
        f"build {what}",
        sandbox.folder / "dbt",
        {**os.environ, **sandbox.settings.environment(), "DBT_TARGET": "local"},
        *("--select", *(f"+{node}" for node in nodes)),
        # Not the rules that stand on models which are not built.
        *("--exclude-resource-type", "unit_test", "--indirect-selection", "cautious"),
        timeout_seconds=_DBT_SECONDS,
    )
