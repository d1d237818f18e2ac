"""The dataset that an older version left behind is gone on with: upgraded, proved, and its ids still known."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from orchestration.scenarios.harness.sandbox import event_at
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.migrations import MIGRATIONS, newest_version
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import connect
from spark_jobs.warehouse.schema_version import VERSION_LABEL, set_version
from tests.fixtures.dataset import OlderDataset
from tests.integration.command import Command
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

PROJECT = Path(__file__).parents[2] / "dbt_project"
OLDER = OlderDataset()


@dataclass(frozen=True)
class Opened:
    """The older dataset in the shared stack, and the command that is told of it."""

    world: World
    command: Command

    def label(self) -> str | None:
        table = self.world.client.get_table(table_id(self.world.settings, catalog.CONTROL))
        labels: dict[str, str] = table.labels
        return labels.get(VERSION_LABEL)

    def dbt_build(self) -> dict[str, str]:
        """What is not green, of a build by dbt itself. No sender reports what the test sends: it stays pending."""
        folder = self.command.folder / "dbt"
        options = [f"--project-dir={PROJECT}", f"--profiles-dir={PROJECT}", f"--target-path={folder}"]
        command = [sys.executable, "-m", "dbt.cli.main", "build", *options, f"--log-path={folder}"]
        command += ["--exclude-resource-type", "unit_test", "--vars", "{sender_report_due_seconds: 86400}"]
        subprocess.run(command, env=self.command.env, capture_output=True, check=False, timeout=600)
        results = json.loads((folder / "run_results.json").read_text())["results"]
        assert len(results) > len(catalog.TABLES), "dbt has built nothing to speak of"
        return {r["unique_id"]: r["message"] for r in results if r["status"] not in ("success", "pass")}


@pytest.fixture(scope="module")
def opened(
    stack: JobSettings,
    spark: SparkSession,
    environment: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("older")
    settings = replace(
        stack,
        topic="payment-events",
        dataset="older_payments",
        checkpoint_location=(folder / "checkpoints").as_uri(),
        staging_location=(folder / "staging").as_uri(),
    )
    world = World(settings, spark, folder, connect(settings))
    OLDER.restore(world.client, settings)
    env = dict(os.environ) | environment | settings.environment() | {"DBT_TARGET": "local"}
    yield Opened(world, Command(folder, env))
    world.client.close()


def payments() -> list[dict[str, Any]]:
    return sorted(OLDER.rows("payment_transactions"), key=lambda row: str(row["event_time"]))


def moment(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["event_time"])


def value_of(row: dict[str, Any]) -> bytes:
    [value] = [
        record["value"]
        for record in OLDER.records
        if (record["partition"], record["offset"]) == (row["kafka_partition"], row["kafka_offset"])
    ]
    assert isinstance(value, bytes)
    return value


def test_an_older_dataset_is_upgraded_proved_and_gone_on_with(opened: Opened) -> None:
    """One story, told in the order in which an operator lives it: each step stands on the one before."""
    assert opened.label() is None
    forecast = opened.command.succeed("migrate", "--dry-run")
    assert "schema version 1;" in forecast
    assert "Nothing is changed yet." in forecast
    assert opened.label() is None

    verified = opened.command.succeed("verify", "--manifest", str(OLDER.manifest))
    assert "Proved: every rule holds." in verified
    assert "Nothing waits in Kafka." in verified
    assert opened.label() == str(newest_version())
    versions = [row["version"] for row in opened.world.rows(catalog.SCHEMA_MIGRATIONS)]
    assert sorted(versions) == [migration.version for migration in MIGRATIONS]
    assert "There is nothing to do." in opened.command.succeed("migrate", "--dry-run")
    assert "every batch is as it was published" in opened.command.succeed("audit", "--all")

    became = send_what_comes_next(opened.world)
    assert became == {
        "the newest payment again": "DUPLICATE",
        "the oldest payment again, with a new event_time": "DUPLICATE",
        "a new payment": "UNIQUE",
    }

    assert "Proved: every rule holds." in opened.command.succeed("verify")
    assert "every batch is as it was published" in opened.command.succeed("audit", "--all")
    assert opened.dbt_build() == {}

    set_version(opened.world.client, table_id(opened.world.settings, catalog.CONTROL), newest_version() + 1)
    for words in (("verify",), ("process",), ("migrate",)):
        refused = opened.command.run(*words)
        assert refused.returncode == 1
        [line] = refused.stderr.splitlines()
        assert line.startswith("SCHEMA_VERSION: dataset 'older_payments' is of schema version")


def send_what_comes_next(world: World) -> dict[str, str]:
    """What becomes of retries of old ids, and of a new one, in a run that has no checkpoint: by what they are."""
    watermark = world.control().watermark
    oldest, newest = payments()[0], payments()[-1]
    assert watermark is not None
    assert moment(oldest) < watermark - timedelta(minutes=1), "the stream's own memory must not reach that far"
    assert moment(newest) > watermark
    later = moment(newest) + timedelta(seconds=1)
    again = json.loads(value_of(oldest)) | {"event_time": later.isoformat()}
    sent = {
        "the newest payment again": value_of(newest),
        "the oldest payment again, with a new event_time": json.dumps(again).encode(),
        "a new payment": event_at("11111111-2222-4333-8444-555555555555", later),
    }
    places = dict(zip(sent, world.send(sent.values()), strict=True))
    assert sum(report.delivered for report in world.drain()) == len(sent)
    dispositions = world.dispositions()
    return {what: dispositions[place] for what, place in places.items()}
