"""The server starts with a patch only where local-bigquery is the one that the patch was written for.

In the warehouse's own environment, by the server itself, on a copy of local-bigquery that was changed.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from local_stack.bigquery import server
from local_stack.bigquery.patches.registry import PATCHES, without

pytestmark = pytest.mark.integration

START = """
import sys, runpy
sys.path.insert(0, sys.argv.pop(1))
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""The copy comes before what is installed; -I keeps all else away, as when the stack starts it."""


class Copy:
    """A copy of the installed library, and how the server ends on it. It listens nowhere: the port is no port."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._python, self._folder = home / "warehouse-env" / "bin" / "python", folder / "library"
        [self._package] = home.glob("warehouse-env/lib/python*/site-packages/local_bigquery")
        shutil.copytree(self._package, self._folder / "local_bigquery")

    def change(self, file: str, old: str, new: str) -> None:
        path = self._folder / "local_bigquery" / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def claim_version(self, version: str) -> None:
        [installed] = self._package.parent.glob("local_bigquery-*.dist-info")
        copied = self._folder / f"local_bigquery-{version}.dist-info"
        copied.mkdir()
        text = (installed / "METADATA").read_text()
        (copied / "METADATA").write_text(text.replace("\nVersion: 0.4.0\n", f"\nVersion: {version}\n", 1))

    def start(self, patches: str) -> str:
        """What the server says last; with a port that cannot be, it ends in any case."""
        options = ["--host", "127.0.0.1", "--port", "70000", "--project", "p", "--patches", patches]
        options += ["--data-dir", str(self._folder / "data")]
        command = [str(self._python), "-I", "-c", START, str(self._folder), server.__file__, *options]
        env = {"HOME": str(self._folder), "PATH": os.defpath}
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=env)
        assert done.returncode != 0
        return done.stderr.strip().splitlines()[-1]


@pytest.fixture
def copy(home: Path, tmp_path: Path) -> Copy:
    return Copy(home, tmp_path)


def is_started(message: str) -> bool:
    """Whether it got as far as the port that cannot be."""
    return "port must be 0-65535" in message


def test_what_is_installed_is_what_the_patches_were_written_for(copy: Copy) -> None:
    assert is_started(copy.start("all"))


def test_a_function_of_another_signature_ends_the_start_by_one_line_and_not_without_its_patch(copy: Copy) -> None:
    copy.change("sql/script.py", "def test(self, condition: str)", "def test(self, condition: str, more: int = 0)")
    name = next(patch.name for patch in PATCHES if "local_bigquery.sql.script:Interpreter.test" in patch.replaces)
    message = copy.start("all")
    assert message.startswith(
        f"The patch {name} replaces what has changed: local_bigquery.sql.script:Interpreter.test is"
    )
    assert message.endswith(f"PAYMENTS_WAREHOUSE_PATCHES={without(name)}.")
    assert is_started(copy.start(without(name)))


def test_another_version_ends_the_start_by_one_line_and_not_without_patches(copy: Copy) -> None:
    copy.claim_version("0.5.0")
    message = copy.start("all")
    assert message == (
        "local-bigquery is 0.5.0, and the patches were written for 0.4.0: run `make setup`, or start without patches "
        "by PAYMENTS_WAREHOUSE_PATCHES=none."
    )
    assert is_started(copy.start("none"))


def test_a_function_in_which_a_fault_is_mended_must_be_the_known_one_even_without_patches(copy: Copy) -> None:
    copy.change("jobs/runner.py", '    status = JobStatus(state="DONE")\n', "    status = JobStatus(state='DONE')\n")
    message = copy.start("none")
    assert message.startswith(
        "What is mended in local-bigquery has changed: local_bigquery.jobs.runner:_done is another"
    )
