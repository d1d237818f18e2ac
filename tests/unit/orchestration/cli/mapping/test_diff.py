"""`payments mapping diff`, on files."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from orchestration.cli.app import app
from orchestration.errors import CommandError
from tests.unit.spark_jobs.mapping.mappings import GOOD, SHIPPED

STRIPE = next(folder for folder in SHIPPED if folder.name == "stripe") / "payment_event.toml"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["mapping", *arguments])


SAMPLES = str(STRIPE.parent / "samples.jsonl")


def test_a_change_is_shown_in_records_fields_and_money(tmp_path: Path) -> None:
    other = tmp_path / "payment_event.toml"
    other.write_text(
        STRIPE.read_text()
        .replace("decimals = { ISK = 2, MGA = 0, UGX = 2 }", "")
        .replace('rule = "test-mode"', 'rule = "test"')
    )
    done = run("diff", str(STRIPE), str(other), SAMPLES)
    assert done.exit_code == 1
    assert "ignored: test-mode" in done.stdout
    assert "The mappings differ on these records." in done.stdout
    message = json.loads(run("diff", str(STRIPE), str(other), SAMPLES, "--json").stdout)
    assert [(change["name"], change["count"]) for change in message["fields"]] == [("amount", 2)]
    crowns = next(money for money in message["money"] if money["currency"] == "ISK")
    assert (crowns["old_minor"], crowns["new_minor"]) == (5_000, 500_000)


def test_the_same_mapping_is_no_change_and_the_contract_can_be_compared() -> None:
    done = run("diff", str(STRIPE), str(STRIPE), SAMPLES)
    assert done.exit_code == 0
    assert "Nothing changes on these records." in done.stdout
    against = json.loads(run("diff", "contract", str(STRIPE), SAMPLES, "--json").stdout)
    assert not against["same"]


def test_a_wrong_mapping_ends_it_with_one_line(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(GOOD.replace('unit = "minor"', ""))
    assert isinstance(run("diff", str(STRIPE), str(wrong), SAMPLES).exception, CommandError)
