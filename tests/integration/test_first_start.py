"""A first start on a bare machine: a copy of this checkout, no Java, no Maven on PATH, then a payment's whole way."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.sandbox_home import free_addresses

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

ROOT = Path(__file__).resolve().parents[2]
BARE = (
    *("bash", "sh", "env", "git", "make", "find", "sed", "nproc", "uname"),
    *("basename", "cat", "chmod", "cksum", "cp", "dirname", "head", "id", "ln", "ls", "mkdir", "mktemp", "mv"),
    *("readlink", "realpath", "rm", "rmdir", "sleep", "sort", "tr"),
)
"""What a machine without development tools has; beside it stands a Python with pip."""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH of nothing but these tools."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in BARE:
        (tools / name).symlink_to(str(shutil.which(name)))
    (tools / "python3").symlink_to(Path(sys.executable).resolve())
    assert shutil.which("java", path=str(tools)) is shutil.which("mvn", path=str(tools)) is None
    return str(tools)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What git holds or would take in, and none of what setup has made."""
    listed = subprocess.run(
        [str(shutil.which("git")), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    folder = tmp_path / "checkout"
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def test_the_demo_runs_on_a_machine_without_java_and_maven(checkout: Path, path: str) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in ("JAVA_HOME", "PAYMENTS_HOME")}
    environment = kept | {"PATH": path} | free_addresses()

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=checkout, env=environment, check=False, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    message = run("make", "demo")
    assert "Java 17 or newer is not found" in message.stderr
    assert "Maven is not found" in message.stderr
    assert "Everything agrees" in message.stdout
    java = run(".venv/bin/python", "-m", "local_stack.java").stdout.strip()
    assert Path(java).is_relative_to(checkout / ".payments" / "java")
    # All is there now, and a second start makes nothing.
    assert run("local_stack/setup.sh", "once").stderr == ""


def test_a_jar_that_is_not_the_one_that_was_locked_ends_setup(checkout: Path, path: str) -> None:
    locked = checkout / "local_stack" / "jars.txt"
    lines = locked.read_text().splitlines()
    folder, coordinates, _ = lines[-1].split()
    locked.write_text("\n".join([lines[0], f"{folder} {coordinates} {'0' * 64}", ""]))
    environment = dict(os.environ) | {"PATH": path, "PAYMENTS_HOME": ".payments"}
    (checkout / ".bootstrap").symlink_to(ROOT / ".bootstrap")
    done = subprocess.run(
        [str(checkout / "local_stack" / "setup.sh"), "jars"],
        cwd=checkout,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if coordinates in line]
    assert f"not {'0' * 64}" in line
    assert "the jars failed" in done.stderr
    assert not (checkout / ".payments" / "jars" / folder).exists()
