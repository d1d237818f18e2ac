"""Which mapping file a command takes, and what is said of one that cannot be read."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestration.cli.app import app
from orchestration.errors import CommandError
from tests.unit.spark_jobs.mapping.mappings import SHIPPED

STRIPE = next(folder for folder in SHIPPED if folder.name == "stripe") / "payment_event.toml"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["mapping", *arguments])


def test_the_file_is_that_of_the_setting_or_of_this_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    missing = run("check")
    assert isinstance(missing.exception, CommandError)
    assert "payment_event.toml cannot be read: No such file" in str(missing.exception)
    monkeypatch.setenv("PAYMENTS_EVENT_MAPPING", str(STRIPE))
    assert str(STRIPE) in run("check").stdout
    (tmp_path / "payment_event.toml").write_bytes(b"\xff")
    assert "no text in UTF-8" in str(run("check", "payment_event.toml").exception)
