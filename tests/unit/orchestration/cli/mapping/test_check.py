"""`payments mapping check`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import spark_jobs.mapping
from orchestration.cli.app import app
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
    assert "is good: version 2" in done.stdout
    assert "Not mapped, so empty: device_id" in done.stdout
    message = json.loads(run("check", str(STRIPE), "--json").stdout)
    assert (message["ok"], message["rules"]) == (
        True,
        ["refund-told-twice", "refund-not-made", "dispute", "other-event", "not-captured", "test-mode"],
    )
    assert "kind" in message["fields"]


def test_check_names_all_that_is_wrong_with_lines_and_exits_1(broken: Path) -> None:
    done = run("check", str(broken))
    assert done.exit_code == 1
    assert [line.split(": ")[1] for line in done.stdout.splitlines()] == [
        "line 10, fields.transaction_id.from",
        "line 20, fields.amount.unit",
    ]
    message = json.loads(run("check", str(broken), "--json").stdout)
    assert [(finding["line"], finding["key"]) for finding in message["findings"]] == [
        (10, "fields.transaction_id.from"),
        (20, "fields.amount.unit"),
    ]
