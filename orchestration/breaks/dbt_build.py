"""dbt on a broken sandbox: a few models, from the project or from a copy of it in which a line is another.

Belongs here: what of dbt a break runs, and what each node came to. Does not belong here: the marts of a scenario
(scenarios.harness), how the platform builds (assets).
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from orchestration.errors import CommandError
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.settings import DBT_PROJECT_DIR

_SECONDS = 300


def project_with(sandbox: Sandbox, file: str, line: str, instead: str) -> Path:
    """A copy of the project in which a line of a file is another.

    Raises:
        CommandError: the file has no such line, or more than one.
    """
    copy = sandbox.folder / "dbt_project"
    shutil.copytree(DBT_PROJECT_DIR, copy, ignore=shutil.ignore_patterns("target", "logs"))
    lines = (copy / file).read_text().splitlines()
    if lines.count(line) != 1:
        raise CommandError(f"{file} has the line {line!r} {lines.count(line)} times, not once.")
    (copy / file).write_text("".join(f"{instead if each == line else each}\n" for each in lines))
    return copy


def build(
    sandbox: Sandbox,
    nodes: Iterable[str],
    *,
    checks: Iterable[str] = (),
    options: Sequence[str] = (),
    project: Path = DBT_PROJECT_DIR,
) -> dict[str, str]:
    """Build models with all that they stand on, and run these checks; the status of each node by its name.

    Raises:
        CommandError: something went wrong that is no red check.
    """
    folder = sandbox.folder / "dbt"
    results = folder / "target" / "run_results.json"
    results.unlink(missing_ok=True)
    below = (f"+{node},resource_type:{kind}" for node in nodes for kind in ("seed", "model"))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "build", *options),
            *(f"--project-dir={project}", f"--profiles-dir={project}"),
            *(f"--target-path={results.parent}", f"--log-path={folder / 'logs'}"),
            *("--indirect-selection", "empty", "--select", *below, *checks),
        ],
        env={**os.environ, **sandbox.settings.environment(), "DBT_TARGET": "local"},
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    statuses = _statuses(results)
    if not statuses or "error" in statuses.values():
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        raise CommandError(f"dbt could not build: {lines[-1] if lines else 'it left no word'} (log: {folder / 'logs'})")
    return statuses


def _statuses(results: Path) -> dict[str, str]:
    if not results.is_file():
        return {}
    found = json.loads(results.read_text())["results"]
    return {each["unique_id"].split(".", 2)[2].split(".")[0]: each["status"] for each in found}
