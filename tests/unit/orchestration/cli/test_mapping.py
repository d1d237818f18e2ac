"""The commands of `payments mapping`, on files."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import spark_jobs.mapping
from orchestration.cli.app import app
from orchestration.errors import CommandError
from tests.unit.spark_jobs.mapping.mappings import GOOD

SHIPPED = Path(spark_jobs.mapping.__path__[0]) / "shipped"
STRIPE = SHIPPED / "stripe" / "payment_event.toml"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["mapping", *arguments])


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A mapping with two things wrong, beside the samples of Stripe."""
    path = tmp_path / "payment_event.toml"
    path.write_text(GOOD.replace('transaction_id = "id"', 'transaction_id = "id."').replace('unit = "minor"', ""))
    return path


def test_check_says_what_a_mapping_is() -> None:
    done = run("check", str(STRIPE))
    assert done.exit_code == 0
    assert "is good: version 1" in done.stdout
    assert "Not mapped, so empty: device_id" in done.stdout
    said = json.loads(run("check", str(STRIPE), "--json").stdout)
    assert (said["ok"], said["rules"]) == (True, ["other-event", "not-captured", "test-mode"])


def test_check_names_all_that_is_wrong_with_lines_and_exits_1(broken: Path) -> None:
    done = run("check", str(broken))
    assert done.exit_code == 1
    assert [line.split(": ")[1] for line in done.stdout.splitlines()] == [
        "line 10, fields.transaction_id.from",
        "line 20, fields.amount.unit",
    ]
    said = json.loads(run("check", str(broken), "--json").stdout)
    assert [(finding["line"], finding["key"]) for finding in said["findings"]] == [
        (10, "fields.transaction_id.from"),
        (20, "fields.amount.unit"),
    ]


def test_the_file_is_that_of_the_setting_or_of_this_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    missing = run("check")
    assert isinstance(missing.exception, CommandError)
    assert "payment_event.toml cannot be read: No such file" in str(missing.exception)
    monkeypatch.setenv("PAYMENTS_EVENT_MAPPING", str(STRIPE))
    assert str(STRIPE) in run("check").stdout
    (tmp_path / "payment_event.toml").write_bytes(b"\xff")
    assert "no text in UTF-8" in str(run("check", "payment_event.toml").exception)


def test_the_samples_beside_a_mapping_are_run(tmp_path: Path) -> None:
    done = run("test", str(STRIPE))
    assert done.exit_code == 0
    assert "12 samples: each is as expected." in done.stdout
    other = tmp_path / "payment_event.toml"
    other.write_text(STRIPE.read_text().replace("amount_captured", "amount"))
    differs = run("test", str(other), "--samples", str(STRIPE.parent / "samples.jsonl"))
    assert differs.exit_code == 1
    assert "a SEPA debit in part captured: amount: expected '42', got '50'" in differs.stdout
    said = json.loads(run("test", str(other), "--samples", str(STRIPE.parent / "samples.jsonl"), "--json").stdout)
    assert next(sample["name"] for sample in said["samples"] if not sample["ok"]) == "a SEPA debit in part captured"


def test_a_wrong_mapping_or_sample_ends_the_test_with_one_line(broken: Path, tmp_path: Path) -> None:
    assert "(and 1 more: `payments mapping check`)" in str(run("test", str(broken)).exception)
    samples = tmp_path / "samples.jsonl"
    samples.write_text("{")
    assert f"{samples}: line 1" in str(run("test", str(STRIPE), "--samples", str(samples)).exception)
