"""`payments mapping test`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestration.cli.app import app
from tests.unit.spark_jobs.mapping.mappings import GOOD, SHIPPED

STRIPE = next(folder for folder in SHIPPED if folder.name == "stripe") / "payment_event.toml"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["mapping", *arguments])


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A mapping with two things wrong."""
    path = tmp_path / "payment_event.toml"
    path.write_text(GOOD.replace('transaction_id = "id"', 'transaction_id = "id."').replace('unit = "minor"', ""))
    return path


def test_the_samples_beside_a_mapping_are_run(tmp_path: Path) -> None:
    done = run("test", str(STRIPE))
    assert done.exit_code == 0
    assert "19 samples: each is as expected." in done.stdout
    other = tmp_path / "payment_event.toml"
    other.write_text(STRIPE.read_text().replace("amount_captured", "amount"))
    differs = run("test", str(other), "--samples", str(STRIPE.parent / "samples.jsonl"))
    assert differs.exit_code == 1
    assert "a SEPA debit in part captured: amount: expected '42', got '50'" in differs.stdout
    message = json.loads(run("test", str(other), "--samples", str(STRIPE.parent / "samples.jsonl"), "--json").stdout)
    assert next(sample["name"] for sample in message["samples"] if not sample["ok"]) == "a SEPA debit in part captured"


def test_a_wrong_mapping_or_sample_ends_the_test_with_one_line(broken: Path, tmp_path: Path) -> None:
    assert "(and 1 more: `payments mapping check`)" in str(run("test", str(broken)).exception)
    samples = tmp_path / "samples.jsonl"
    samples.write_text("{")
    assert f"{samples}: line 1" in str(run("test", str(STRIPE), "--samples", str(samples)).exception)
