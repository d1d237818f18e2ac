"""Releases of the product side by side: this one, and an earlier one that is taken out of git.

Belongs here: their code, and the command that each has. Does not belong here: their processors, what must hold.
"""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from spark_jobs.tables.migrations import newest_version

ROOT = Path(__file__).parents[2]

EARLIER = "0fb814c908832c88684dda89b1167f6b25aac2fa"
"""The commit that brought the schema version which datasets have: of all releases that may take turns with this one the
one from which most has changed. A new schema version puts the commit that brings it in its place."""

_CODE = ("dbt_project", "local_stack", "orchestration", "simulator", "spark_jobs")
_SAYS_WHAT_IT_IS = """
import orchestration, spark_jobs
from spark_jobs.tables.migrations import newest_version
print(newest_version(), *(package.__file__ for package in (orchestration, spark_jobs)))
"""
_LIMIT_SECONDS = 300


@dataclass(frozen=True)
class Release:
    """A checkout, run by this environment's Python: between the two no package that they need has changed."""

    code: Path

    def python(self, *arguments: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """An interpreter that imports the release; nothing of it may lie in `cwd`."""
        command = [sys.executable, *arguments]
        env = env | {"PYTHONPATH": str(self.code)}
        return subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=_LIMIT_SECONDS
        )

    def payments(self, *words: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Its command."""
        return self.python("-m", "orchestration.cli.app", *words, cwd=cwd, env=env)


NOW = Release(ROOT)


def earlier_release(folder: Path) -> Release:
    """The code of EARLIER below `folder`; the test is skipped where git does not have it, or it may not take turns."""
    git = shutil.which("git")
    if (
        not git
        or subprocess.run([git, "cat-file", "-e", EARLIER], cwd=ROOT, capture_output=True, check=False).returncode
    ):
        pytest.skip(f"git has no commit {EARLIER[:7]} here: the earlier release is taken from a clone with its history")
    archive = subprocess.run([git, "archive", EARLIER, *_CODE], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    release = Release(folder)
    said = release.python("-c", _SAYS_WHAT_IT_IS, cwd=folder, env=dict(os.environ))
    version, *places = said.stdout.split()
    assert all(Path(place).is_relative_to(folder) for place in places), said
    if int(version) != newest_version():
        pytest.skip(
            f"the release {EARLIER[:7]} writes schema version {version}, and this one {newest_version()}: "
            f"have EARLIER name the commit that brought {newest_version()}"
        )
    return release
