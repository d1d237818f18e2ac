"""dbt in a process of its own, outside Dagster: for a dataset that is not the platform's.

Belongs here: how it is called, and where it writes. Does not belong here: dbt within Dagster (dbt_cli).
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from orchestration.errors import CommandError
from orchestration.settings import DBT_PROJECT_DIR


def build(what: str, folder: Path, env: Mapping[str, str], *options: str, timeout_seconds: float) -> None:
    """`dbt build` with its files below `folder`.

    Args:
        what: said in an error, after "dbt could not".
        folder: gets `target` and `logs`.
        env: the whole environment of the process.
        options: such as --select.
        timeout_seconds: it is killed after so long.

    Raises:
        CommandError: it failed.
    """
    paths = {
        "project-dir": DBT_PROJECT_DIR,
        "profiles-dir": DBT_PROJECT_DIR,
        "target-path": folder / "target",
        "log-path": folder / "logs",
    }
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "build", *options),
            *(f"--{name}={path}" for name, path in paths.items()),
        ],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_seconds,
    )
    if done.returncode != 0:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        last = lines[-1] if lines else "it left no word"
        raise CommandError(f"dbt could not {what}: {last} (log: {folder / 'logs' / 'dbt.log'})")
