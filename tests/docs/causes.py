"""Causes of alerts that take seconds to make: each on a sandbox, as the runbook's reader finds it.

Belongs here: the cause, what the diagnosis must show of it, and how it ends. Does not belong here: causes that need
dbt's models (causes_of_figures), typing the steps (test_runbooks).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from local_stack.processes import free_port
from orchestration.breaks.data_lost import delete_before
from orchestration.breaks.sight import look, watched
from orchestration.scenarios.harness.transcript import Transcript
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.source.connection import admin_client, producer
from tests.docs.reader import Reader
from tests.world import World, event

DOCTOR = "payments doctor"
_SECONDS = 180


@dataclass(frozen=True)
class Cause:
    """An alert's cause on a sandbox.

    `make` brings it about, and may change what the reader does. `shows` is what the diagnosis prints of it, all its
    commands taken together. `fails` are the commands that exit 1 while the cause is there. `fires` is whether the alert
    does, where it goes by incidents or health; None where its rule is Prometheus's alone (tested with promtool).
    `ends` is whether the mitigation, and the next run, end it at once.
    """

    make: Callable[[World, Reader], None]
    shows: Sequence[str]
    fails: Sequence[str] = (DOCTOR,)
    fires: Callable[[World], Sequence[str]] | None = None
    ends: bool = True


def by_incidents(world: World) -> list[str]:
    """The alerts that fire by the incidents of the sandbox."""
    return look(world, Transcript(is_silent=True))


def by_waiting(world: World) -> list[str]:
    """The alerts that fire once what is there now has gone on for ten minutes."""
    return look(world, Transcript(is_silent=True), watched(world, 10))


def stopped(world: World, kind: IncidentKind) -> None:
    """A run, which has to stop with that incident."""
    with pytest.raises(Incident) as found:
        world.drain()
    assert found.value.kind is kind


def _checkpoint_rebuilt(world: World, _: Reader) -> None:
    world.send([event("one")])
    world.drain()
    folder = world.folder / "checkpoints" / world.settings.pipeline / world.control().generation / "spark/offsets"
    newest = max((path for path in folder.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    world.send([event("two")])
    world.drain()


def _data_lost(world: World, reader: Reader) -> None:
    world.send([event("one")])
    world.drain()
    world.send([event("lost"), event("lost-too"), event("kept")])
    delete_before(world, {0: 3})
    stopped(world, IncidentKind.OFFSETS_LOST)

    def new_dataset() -> None:
        reader.env["BIGQUERY_DATASET"] = f"{world.settings.dataset}_new"

    reader.words = {"2026-11-28T00:00:00Z": f"{datetime.now(UTC):%Y-%m-%d}T00:00:00Z"}
    reader.before = {"payments start-at --timestamp 2026-11-28T00:00:00Z": new_dataset}


def _topic_missing(world: World, reader: Reader) -> None:
    world.send([event("one")])
    world.drain()
    world.send([event("two")])
    right = world.settings
    world.settings = replace(right, topic=f"{right.topic}-misspelt")
    stopped(world, IncidentKind.TOPIC_MISSING)
    reader.env |= world.settings.environment()

    def mend() -> None:
        world.settings = right
        reader.env |= right.environment()

    reader.before = {"payments process": mend}


def _publication_failing(world: World, reader: Reader) -> None:
    from kafka.admin import ConfigResource, ConfigResourceType

    servers, topic = world.settings.bootstrap_servers, world.settings.topic
    configs = {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(2**63 - 1)}
    admin = admin_client(servers)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=configs)])
    admin.close()
    world.send([event("before")])
    world.drain()
    sender = producer(servers)
    sent = sender.send(topic, event("nanoseconds"), key=b"sender", partition=0, timestamp_ms=time.time_ns())
    offset = sent.get(timeout=_SECONDS).offset
    sender.close()
    world.send([event("behind")])
    stopped(world, IncidentKind.TIMESTAMP_UNREADABLE)
    command = "kafka-delete-records.sh --bootstrap-server 127.0.0.1:9092 --offset-json-file offsets.json"
    reader.instead = {command: lambda: delete_before(world, {0: offset + 1})}


def _publication_overdue(world: World, _: Reader) -> None:
    world.send([event("one")])
    world.drain()
    world.send([event("two"), event("three")])


def _quarantine_high(world: World, reader: Reader) -> None:
    from orchestration.cli.mapping.records import shipped_folders

    world.send([event(f"good-{n}") for n in range(9)] + [event("odd", currency="ZZZ")])
    world.drain()
    folder = min(shipped_folders())
    text = (folder / "payment_event.toml").read_text(encoding="utf-8")
    for name in ("payment_event.toml", "new.toml"):
        (reader.folder / name).write_text(text, encoding="utf-8")


def _altered_by_hand(world: World, _: Reader) -> None:
    world.send([event("one")])
    world.drain()
    world.ask("update {payment_transactions} set amount_minor = amount_minor + 1 where true")


def _metrics_missing(world: World, reader: Reader) -> None:
    world.send([event("one")])
    world.drain()
    port = free_port("127.0.0.1")
    reader.env["PAYMENTS_DASHBOARD_PORT"] = str(port)
    reader.instead = {"payments dashboard": lambda: _serve_until_it_answers(reader, port)}


def _serve_until_it_answers(reader: Reader, port: int) -> None:
    program = Path(sys.executable).with_name("payments")
    server = subprocess.Popen([program, "dashboard"], cwd=reader.folder, env=reader.env, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _SECONDS
        while b"payments_snapshot_timestamp_seconds " not in (message := _answer(port, "metrics")):
            assert server.poll() is None, "the dashboard ended by itself"
            assert time.monotonic() < deadline, message
            time.sleep(0.2)
        assert _answer(port, "healthz").strip() == b"ok"
    finally:
        os.kill(server.pid, signal.SIGINT)
        server.wait(timeout=_SECONDS)


def _answer(port: int, path: str) -> bytes:
    try:
        with urlopen(f"http://127.0.0.1:{port}/{path}", timeout=_SECONDS) as answer:
            return bytes(answer.read())
    except URLError as error:
        return str(error).encode()


_ALTERED = Cause(_altered_by_hand, ["BROKEN"], fails=(DOCTOR, "payments verify"), ends=False)

CAUSES = {
    "PaymentsCheckpointRebuilt": Cause(
        _checkpoint_rebuilt, ["Proved: every rule holds."], fires=by_incidents, ends=False
    ),
    "PaymentsDataLost": Cause(
        _data_lost, ["OFFSETS_LOST", "1"], fails=(DOCTOR, "payments accept-gap"), fires=by_incidents
    ),
    "PaymentsTopicMissing": Cause(
        _topic_missing, ["TOPIC_MISSING", "does not exist"], fails=(DOCTOR,), fires=by_incidents
    ),
    "PaymentsPublicationFailing": Cause(
        _publication_failing,
        ["TIMESTAMP_UNREADABLE"],
        fails=(DOCTOR, "payments process"),
        fires=by_incidents,
    ),
    "PaymentsPublicationOverdue": Cause(_publication_overdue, ["lag"], fires=by_waiting),
    "PaymentsQuarantineHigh": Cause(_quarantine_high, ["UNKNOWN_CURRENCY"]),
    "PaymentsRightBurnFast": _ALTERED,
    "PaymentsRightBurnSlow": _ALTERED,
    "PaymentsMetricsMissing": Cause(_metrics_missing, ["dashboard"]),
}
"""By the alert's name."""
