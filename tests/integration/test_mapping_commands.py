"""A draft and a comparison from the records of a real topic."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from local_stack.kafka import ensure_topic
from orchestration.cli.app import app
from orchestration.cli.mapping.records import shipped_folders
from spark_jobs.incidents import Incident
from spark_jobs.mapping.trials.samples import read_samples
from spark_jobs.settings import JobSettings
from spark_jobs.source.connection import producer
from spark_jobs.source.sample import newest_records

pytestmark = pytest.mark.integration
CLOUDEVENTS = next(folder for folder in shipped_folders() if folder.name == "cloudevents")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["mapping", *arguments])


def test_the_newest_records_of_a_topic_are_drafted_and_compared(
    stack: JobSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)
    ensure_topic(stack.bootstrap_servers, "own-events", partitions=3)
    samples = read_samples((CLOUDEVENTS / "samples.jsonl").read_text())
    sender = producer(stack.bootstrap_servers)
    for number, sample in enumerate(samples):
        record = sample.record
        sender.send("own-events", record.value, record.key, headers=list(record.headers), partition=number % 2)
    sender.flush()
    sender.close()

    newest = newest_records(stack.bootstrap_servers, "own-events", 6)
    assert [(record.partition, record.offset) for record in newest] == [(0, 2), (0, 3), (1, 2), (1, 3)]
    assert dict(newest[0].headers)["ce_id"] == b"EX-0003"
    assert newest[0].timestamp > 1_700_000_000_000_000
    drafted = json.loads(run("infer", "own-events", "--json").stdout)
    assert (drafted["format"], drafted["shipped"], drafted["open_fields"]) == ("cloudevents", None, [])

    changed = tmp_path / "payment_event.toml"
    changed.write_text((CLOUDEVENTS / "payment_event.toml").read_text().replace('"micros"', '"cents"'))
    done = run("diff", str(CLOUDEVENTS / "payment_event.toml"), str(changed), "own-events", "--json")
    assert done.exit_code == 1
    [money] = json.loads(done.stdout)["money"]
    # A payment and a refund.
    assert (money["currency"], money["old_minor"]) == ("EUR", 1230 - 230)

    with pytest.raises(Incident, match="no-such-topic"):
        newest_records(stack.bootstrap_servers, "no-such-topic", 6)
