"""What the repository holds is about the product, and works on any machine."""

import re
import subprocess

import pytest

from tests.architecture.sources import ROOT

# Put together here, so that this file does not hold what it looks for.
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("repo", "maven", "apache", "org"),
        ("repo1", "maven", "org"),
        ("registry", "npmjs", "org"),
    )
]
FOLDERS_OF_ONE_MACHINE = [
    "/".join(("", *parts)) for parts in (("work", ""), ("root", ""), ("tmp", "w", ""), ("home", ""))
]


def committed_files() -> dict[str, str]:
    """Text of every file that git holds or would take in, by path."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [path for path in listed.split("\0") if path and (ROOT / path).is_file()]
    return {path: (ROOT / path).read_text(errors="replace") for path in paths}


@pytest.mark.parametrize("address", REGISTRIES)
def test_no_file_names_a_package_registry(address: str) -> None:
    assert not [path for path, text in committed_files().items() if address in text]


@pytest.mark.parametrize("folder", FOLDERS_OF_ONE_MACHINE)
def test_no_file_names_a_folder_of_one_machine(folder: str) -> None:
    pattern = re.compile(rf"(?<![\w.*$}}~-]){re.escape(folder)}")
    assert not [path for path, text in committed_files().items() if pattern.search(text)]


def test_no_file_hides_the_interpreter_that_runs_uv() -> None:
    assert ".python-version" not in committed_files()


def test_every_requirement_is_locked_with_hashes() -> None:
    for path in [*(ROOT / "requirements").glob("*.txt"), *(ROOT / "benchmarks").rglob("requirements.txt")]:
        if path.name.endswith("overrides.txt"):
            continue
        pinned = re.findall(
            r"^([a-z0-9][^=\s]*)==(?:.*\\\n(?:    --hash=\S+(?: \\)?\n)+)?", path.read_text(), re.MULTILINE
        )
        bare = re.findall(r"^[a-z0-9]\S*$|^[a-z0-9][^\\\n]*[^\\\s]$", path.read_text(), re.MULTILINE)
        assert pinned, path.name
        assert not bare, f"{path.name}: {bare}"
