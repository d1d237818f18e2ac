"""The whole path over a broker that wants TLS and a login: sensors, the stream, dbt, `verify`, and no secret kept."""

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType
from kafka.admin import ACLResourcePatternType as PatternType

from local_stack.kafka import ensure_topic
from orchestration import names
from orchestration.automation.dbt_rebuild import newest_batch
from orchestration.platform.dagster_home import open_instance
from spark_jobs.source.connection import admin_client
from tests.integration.command import Command, platform, wait_for
from tests.secured_broker import CANARY, USERS, SecuredBroker, secured_broker

pytestmark = [pytest.mark.integration, pytest.mark.thorough, pytest.mark.long]

TOPIC = "payments-by-scram"
SENSOR_TAG = "dagster/sensor_name"


@pytest.fixture
def payments(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """The platform, up with its sensors, over a topic of somebody else's cluster, as a user with the least rights."""
    folder = tmp_path / "secured"
    folder.mkdir()
    with secured_broker(home, folder) as broker:
        with monkeypatch.context() as of_the_admin:
            for name, value in broker.scram_environment("broker").items():
                of_the_admin.setenv(name, value)
            ensure_topic(broker.scram, TOPIC, partitions=2)
            allow(broker)
        (tmp_path / "platform").mkdir()
        settings = {
            "KAFKA_BOOTSTRAP_SERVERS": broker.scram,
            "KAFKA_TOPIC_PAYMENTS": TOPIC,
            "PAYMENTS_SHIFT_IDLE_SECONDS": "0",
            "PAYMENTS_BUILD_INTERVAL_SECONDS": "1",
        }
        with platform(tmp_path / "platform", **settings, **broker.scram_environment("app")) as command:
            # Traffic of its own would keep the run at work.
            command.succeed("up")
            yield command


def allow(broker: SecuredBroker) -> None:
    pattern = ResourcePattern(ResourceType.TOPIC, TOPIC, PatternType.LITERAL)
    operations = (ACLOperation.READ, ACLOperation.WRITE)
    with closing(admin_client(broker.scram)) as admin:
        admin.create_acls([ACL("User:app", "*", each, ACLPermissionType.ALLOW, pattern) for each in operations])


def test_payments_are_published_by_a_sensors_run_built_and_proved_and_dagster_keeps_no_secret(
    payments: Command,
) -> None:
    payments.succeed("simulate", "--events", "400", "--seed", "11", "--manifest", "m.json")
    with open_instance(payments.settings) as instance:
        wait_for("a run that a sensor started has published", lambda: good_runs(instance, names.PROCESS_JOB))
        wait_for("the build that a sensor started has all batches", lambda: is_built(instance), seconds=400)
        assert all(SENSOR_TAG in run.tags for run in good_runs(instance, names.PROCESS_JOB))
    verified = json.loads(payments.succeed("verify", "--manifest", "m.json", "--json"))
    assert (verified["ok"], verified["breaks"]) == (True, [])
    assert sum(row["delivered"] for row in verified["offsets"]) >= 400
    payments.succeed("status")
    payments.succeed("down")
    assert any(names.PROCESS_JOB.encode() in found for path in databases(payments) for found in contents(path))
    secrets = [secret.encode() for secret in (CANARY, USERS["broker"])]
    assert [
        path for path in files(payments) for found in contents(path) if any(each in found for each in secrets)
    ] == []


def good_runs(instance: dg.DagsterInstance, job: str) -> list[dg.DagsterRun]:
    return list(instance.get_runs(dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS])))


def is_built(instance: dg.DagsterInstance) -> bool:
    built = [int(run.tags.get(names.BUILT_BATCH_TAG, 0)) for run in good_runs(instance, names.BUILD_JOB)]
    return max(built, default=0) >= newest_batch(instance) > 0


def files(payments: Command) -> list[Path]:
    """All that the platform has written, but for what setup made."""
    return [path for path in payments.folder.rglob("*", recurse_symlinks=False) if path.is_file()]


def databases(payments: Command) -> list[Path]:
    """Dagster's runs, events and schedules among them."""
    return [path for path in files(payments) if path.suffix == ".db"]


def contents(path: Path) -> Iterator[bytes]:
    """What a file says: its bytes, and where it is a database also what Dagster has compressed in it."""
    yield path.read_bytes()
    if path.suffix != ".db":
        return
    with closing(sqlite3.connect(path)) as database:
        for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
            for row in database.execute(f'select * from "{table}"'):
                yield from map(decompressed, row)


def decompressed(value: Any) -> bytes:
    content = value if isinstance(value, bytes) else str(value).encode()
    with suppress(zlib.error):
        return zlib.decompress(content)
    return content
