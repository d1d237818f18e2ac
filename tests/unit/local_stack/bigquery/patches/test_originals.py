"""A function is known by its source, and a package by its version."""

from pathlib import Path

import pytest

from local_stack.bigquery.patches import originals
from local_stack.bigquery.patches.originals import difference, fingerprint, other_version


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def write(folder: Path, name: str, source: str) -> str:
    (folder / f"{name}.py").write_text(source)
    return name


def test_a_fingerprint_is_that_of_a_function_or_method_and_its_signature(module: Path) -> None:
    one = write(module, "originals_one", "def f(a):\n    return a\n\nclass C:\n    def f(self):\n        return 1\n")
    same = write(module, "originals_same", "import os\n\ndef f(a):\n    return a\n")
    signature = write(module, "originals_signature", "def f(a, b=None):\n    return a\n")
    body = write(module, "originals_body", "def f(a):\n    return -a\n")
    assert fingerprint(f"{one}:f") == fingerprint(f"{same}:f")
    assert len({fingerprint(f"{name}:f") for name in (one, signature, body)} | {fingerprint(f"{one}:C.f")}) == 4


@pytest.mark.parametrize("path", ["json:gone", "no_such_module:f", "json:JSONEncoder.gone"])
def test_a_function_that_is_gone_is_said_to_be(path: str) -> None:
    assert fingerprint(path) is None
    assert difference({path: "0"}) == f"{path} is not there any more"


def test_a_function_is_held_against_what_was_written_down() -> None:
    now = fingerprint("json:dumps")
    assert now
    assert difference({"json:dumps": now}) is None
    assert difference({"json:dumps": "0"}) == (
        f"json:dumps is another function by now (its fingerprint is {now}, not 0)"
    )


def test_a_package_of_another_version_or_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals, "WRITTEN_FOR", {"pytest": pytest.__version__})
    assert other_version() is None
    monkeypatch.setattr(originals, "WRITTEN_FOR", {"pytest": "0.0.1"})
    assert other_version() == f"pytest is {pytest.__version__}, and the patches were written for 0.0.1"
    monkeypatch.setattr(originals, "WRITTEN_FOR", {"no-such-package": "1"})
    assert other_version() == "no-such-package is not installed, and the patches were written for 1"
