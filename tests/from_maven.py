"""What tests need from Maven beside what setup fetches: on first use, and held against a checksum.

Belongs here: fetching one artifact, and where it is kept. Does not belong here: what is done with it.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from spark_jobs.settings import payments_home

_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
_FETCH_SECONDS = 300


def folder_of(tool: str) -> Path:
    """Where a tool of the tests is kept: not among the product's jars, each of which is locked."""
    return payments_home() / "test-tools" / tool


def fetch(coordinates: str, sha256: str, folder: Path) -> Path:
    """The artifact, put into `folder`; the test is skipped where it cannot be had."""
    if not shutil.which("mvn"):
        pytest.skip(f"Maven is not found, and {coordinates} comes from there")
    command = ["mvn", "--quiet", "--batch-mode", _GOAL, f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}"]
    fetched = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False)
    if fetched.returncode:
        pytest.skip(f"{coordinates} could not be fetched: {fetched.stdout[-300:]}")
    name, version = coordinates.split(":")[1:3]
    [artifact] = folder.glob(f"{name}-{version}*")
    with artifact.open("rb") as content:
        assert hashlib.file_digest(content, "sha256").hexdigest() == sha256
    return artifact
