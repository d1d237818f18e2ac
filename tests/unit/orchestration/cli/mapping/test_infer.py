"""`payments mapping infer`, on files; a topic is for the integration tests."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from orchestration.cli.app import app
from orchestration.errors import CommandError
from tests.unit.spark_jobs.mapping.mappings import SHIPPED

STRIPE = next(folder for folder in SHIPPED if folder.name == "stripe") / "payment_event.toml"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["mapping", *arguments])


EVENTS = "\n".join(
    json.dumps(
        {"id": f"p_{n}", "paid_at": 1795838221, "payer": {"id": "jane@example.com"}, "amount": 5, "currency": "eur"}
    )
    for n in range(3)
)


def test_a_draft_is_written_once_and_check_names_what_it_leaves_open(tmp_path: Path) -> None:
    events, draft = tmp_path / "events.jsonl", tmp_path / "payment_event.toml"
    events.write_text(EVENTS)
    done = run("infer", str(events), "--output", str(draft))
    assert done.exit_code == 0, done.exception
    assert "Nothing was found for receiver_account_id." in done.stdout
    assert "jane" not in done.stdout + draft.read_text()
    assert "aaaa@aaaaaaa.aaa" in done.stdout
    checked = run("check", str(draft))
    assert checked.exit_code == 1
    assert "fields.receiver_account_id: is missing" in checked.stdout
    assert "fields.amount.unit: must be one of" in checked.stdout
    assert "is there already" in str(run("infer", str(events), "--output", str(draft)).exception)


def test_the_shipped_mapping_that_reads_the_events_is_named(tmp_path: Path) -> None:
    message = json.loads(run("infer", str(STRIPE.parent / "samples.jsonl"), "--json").stdout)
    assert message["records"] == 19
    assert {path["path"] for path in message["paths"]} >= {"id", "data.object.amount"}
    payments = [line for line in (STRIPE.parent / "samples.jsonl").read_text().splitlines() if '"row"' in line]
    events = "[" + ",".join(json.dumps(json.loads(line)["value"]) for line in payments) + "]"
    path = tmp_path / "events.json"
    path.write_text(events)
    assert json.loads(run("infer", str(path), "--json").stdout)["shipped"] == "stripe"
    assert "The shipped mapping 'stripe' reads these records" in run("infer", str(path)).stdout


def test_a_file_that_is_not_there_is_no_topic(tmp_path: Path) -> None:
    missing = run("infer", str(tmp_path / "no.jsonl"))
    assert isinstance(missing.exception, CommandError)
    assert "there is no such file" in str(missing.exception)
    (tmp_path / "empty.jsonl").write_text("")
    assert "has no records" in str(run("infer", str(tmp_path / "empty.jsonl")).exception)


def test_one_event_over_several_lines_is_one_record(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(json.dumps({"id": 1, "amount": 1.10}, indent=2))
    assert json.loads(run("infer", str(tmp_path / "event.json"), "--json").stdout)["records"] == 1
