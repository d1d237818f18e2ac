"""dbt on a broken sandbox: one model with all that it stands on, from a copy of the project that has nothing else.

Belongs here: that copy, a line of it that is changed, and what each node came to. Does not belong here: the marts of a
scenario (scenarios.harness), how the platform builds (assets). dbt reads the whole project at each start: of the copy
it has a third to read.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from orchestration.errors import CommandError
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.settings import DBT_PROJECT_DIR

_SECONDS = 300
_REF = re.compile(r"\bref\('(\w+)'\)")
_MACRO = re.compile(r"{%-? macro (\w+)\(.*?endmacro -?%}", re.DOTALL)
_OF_EVERY_TEST = "int_tests__block_nothing"
HEALTH = "pipeline_health"
_NO_RECONCILIATION = {
    "reconciliation_summary": "select 0 as row_count, 0 as failed_count, 0 as pending_count limit 0\n",
}
_CONTRACT, _NO_CONTRACT = "        enforced: true", "        enforced: false"


def health_project(sandbox: Sandbox) -> Path:
    """A copy of the project that builds pipeline_health, without reconciliations: `payments verify` stands for them."""
    return small_project(sandbox, HEALTH, _NO_RECONCILIATION)


def small_project(sandbox: Sandbox, node: str, stubs: Mapping[str, str] | None = None) -> Path:
    """A copy of the project with one model and what it stands on, without the checks of all else.

    Args:
        sandbox: gets the copy in its folder.
        node: the model.
        stubs: models of which the copy has this text instead.
    """
    kept = _stands_on(node, stubs or {}) | {_OF_EVERY_TEST}

    def others(folder: str, names: list[str]) -> set[str]:
        if Path(folder).name in ("seeds", "macros", "generic"):
            return {name for name in names if name.endswith(".csv") and Path(name).stem not in kept}
        of_others = {name for name in names if name.endswith(".sql") and Path(name).stem not in kept}
        # The contracts and checks of models; those of the one that is asked for stay.
        described = {name for name in names if "__" in name and name.endswith(".yml")}
        return of_others | described | {name for name in names if name in ("target", "logs", "singular", "analyses")}

    copy = sandbox.folder / "dbt_project"
    shutil.copytree(DBT_PROJECT_DIR, copy, ignore=others)
    for path in copy.glob("models/marts/**/*.yml"):
        if path.stem != node:
            path.unlink()
    for name, text in (stubs or {}).items():
        next(copy.glob(f"models/**/{name}.sql")).write_text(text)
    change_line(copy, "dbt_project.yml", _CONTRACT, _NO_CONTRACT)
    return copy


def change_line(project: Path, file: str, line: str, instead: str) -> None:
    """Put another line in the place of one.

    Raises:
        CommandError: the file has no such line, or more than one.
    """
    lines = (project / file).read_text().splitlines()
    if lines.count(line) != 1:
        raise CommandError(f"{file} has the line {line!r} {lines.count(line)} times, not once.")
    (project / file).write_text("".join(f"{instead if each == line else each}\n" for each in lines))


def build(sandbox: Sandbox, project: Path, select: Iterable[str], options: Sequence[str] = ()) -> dict[str, str]:
    """Build what dbt is to select, and nothing beside it; the status of each node by its name.

    Raises:
        CommandError: something went wrong that is no red check.
    """
    folder = sandbox.folder / "dbt"
    results = folder / "target" / "run_results.json"
    results.unlink(missing_ok=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "build", *options),
            *(f"--project-dir={project}", f"--profiles-dir={project}"),
            *(f"--target-path={results.parent}", f"--log-path={folder / 'logs'}"),
            *("--indirect-selection", "empty", "--select", *select),
            *("--exclude-resource-type", "unit_test"),
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


def _stands_on(node: str, stubs: Mapping[str, str]) -> set[str]:
    """The model, and the models and seeds that it reads, by its text and that of the macros that it calls."""
    models = {path.stem: path.read_text() for path in DBT_PROJECT_DIR.glob("models/**/*.sql")} | dict(stubs)
    texts = (path.read_text() for path in DBT_PROJECT_DIR.glob("macros/*.sql"))
    macros = {found[1]: found[0] for text in texts for found in _MACRO.finditer(text)}
    found: set[str] = set()
    waiting = [node]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            text = models.get(name, "")
            called = _called(text, macros)
            waiting += _REF.findall("\n".join([text, *called]))
    return found


def _statuses(results: Path) -> dict[str, str]:
    if not results.is_file():
        return {}
    found = json.loads(results.read_text())["results"]
    return {each["unique_id"].split(".", 2)[2].split(".")[0]: each["status"] for each in found}


def _called(text: str, macros: Mapping[str, str]) -> list[str]:
    """The texts of the macros that a text calls, and of those that they call."""
    found: set[str] = set()
    waiting = [text]
    while waiting:
        text = waiting.pop()
        new = {macro for macro in macros if f"{macro}(" in text} - found
        found |= new
        waiting += [macros[macro] for macro in new]
    return [macros[macro] for macro in sorted(found)]
