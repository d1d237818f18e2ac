"""The runbooks whose cause is a part that is down, a figure of dbt's, or a build: on a platform with its models."""

import os
import re
import shlex
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from local_stack.kafka import Broker
from local_stack.processes import Daemon
from orchestration.platform.stack import Stack
from orchestration.scenarios.harness.sandbox import event
from spark_jobs.source.connection import producer
from spark_jobs.tables import catalog
from spark_jobs.tables.names import sql_names, table_id
from spark_jobs.warehouse.client import connect, run
from tests.docs.test_runbooks import steps
from tests.integration.command import Command, platform, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.long]

EVENTS = 2_000
NEWEST = "batch_id = (select max(batch_id) from {batch_ledger})"
CONFLICT = "told-two-ways"

type Around = Callable[[Command], AbstractContextManager[None]]


@dataclass(frozen=True)
class Steps:
    """The cause, what the diagnosis shows of it, what fails, and what is typed in the place of the page's words."""

    cause: Around
    shows: tuple[str, ...]
    fails: tuple[str, ...] = ("payments doctor",)
    words: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def payments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    with platform(tmp_path_factory.mktemp("runbooks")) as command:
        command.succeed("up", "--no-ui")
        command.succeed("simulate", "--events", str(EVENTS), "--seed", "7", "--control-totals", "report.csv")
        send(command, [event(CONFLICT, amount="12.30"), event(CONFLICT, amount="99.99")])
        command.succeed("process")
        command.succeed("build")
        yield command


def send(payments: Command, values: list[bytes]) -> None:
    job = payments.settings.job
    sender = producer(job.bootstrap_servers)
    for value in values:
        sender.send(job.topic, value, key=b"sender", partition=0)
    sender.flush()
    sender.close()


def ask(payments: Command, sql: str) -> list[dict[str, Any]]:
    job = payments.settings.job
    names = sql_names(job)
    with connect(job) as client:
        return run(client, sql.format(**names), {})


def killed(part: Callable[[Stack], Any]) -> Around:
    """A part of the platform that dies."""

    @contextmanager
    def around(payments: Command) -> Iterator[None]:
        found: Daemon | Broker = part(Stack(payments.settings))
        if found.pid() is None:
            payments.succeed("up", "--rate", "0")
        pid = found.pid()
        assert pid is not None
        os.killpg(pid, signal.SIGKILL)
        wait_for("its end", lambda: found.pid() is None)
        yield

    return around


def measured(change: str) -> Around:
    """The newest batch's row of the ledger with another figure, and put back."""

    @contextmanager
    def around(payments: Command) -> Iterator[None]:
        copy = f"`{table_id(payments.settings.job, catalog.LEDGER)}_as_it_was`"
        ask(payments, f"create table {copy} as select * from {{batch_ledger}}")
        try:
            ask(payments, f"update {{batch_ledger}} set {change} where {NEWEST}")
            yield
        finally:
            ask(payments, "delete from {batch_ledger} where true")
            ask(payments, f"insert into {{batch_ledger}} select * from {copy}")
            ask(payments, f"drop table {copy}")

    return around


@contextmanager
def published_and_not_built(payments: Command) -> Iterator[None]:
    send(payments, [event(f"not-built-{datetime.now(UTC):%H%M%S}")])
    payments.succeed("process")
    yield


@contextmanager
def reported_wrongly(payments: Command) -> Iterator[None]:
    """A sender reports a cent more than it sent; a report of more records than there are offsets is not taken."""
    right = (payments.folder / "report.csv").read_text()
    head, first, *rest = right.splitlines()
    columns = first.split(",")
    at = head.split(",").index("delivered_amount_minor")
    columns[at] = str(int(columns[at]) + 1)
    (payments.folder / "wrong.csv").write_text("\n".join([head, ",".join(columns), *rest]) + "\n")
    payments.succeed("load-totals", "wrong.csv")
    assert payments.run("build").returncode == 1
    yield


LATE = measured("latency_p95_seconds = 3600")
STEPS = {
    "PaymentsDuplicatesHigh": Steps(measured("duplicate_count = delivered"), ("FAILING",)),
    "PaymentsStateGrowing": Steps(measured("state_bytes = 2000000000"), ("FAILING",)),
    "PaymentsLagHigh": Steps(
        measured("min_kafka_timestamp = timestamp_sub(published_at, interval 5 hour)"), ("FAILING",)
    ),
    "PaymentsLatencyHigh": Steps(LATE, ("FAILING",)),
    "PaymentsFraudScoresLate": Steps(LATE, ("FAILING",)),
    "PaymentsInTimeBurnFast": Steps(LATE, ("FAILING",)),
    "PaymentsInTimeBurnSlow": Steps(LATE, ("FAILING",)),
    "PaymentsBuildOverdue": Steps(published_and_not_built, ("checks passed",)),
    "PaymentsConflictsUndecided": Steps(
        lambda _: nullcontext(), (CONFLICT,), words={"5f0c2c1e-0b5b-4a53-9d3f-2f2f7a1b9c11": CONFLICT}
    ),
    "PaymentsNotCountedOnce": Steps(
        reported_wrongly,
        ("FAIL",),
        fails=("payments verify",),
        words={"TRANSACTION": CONFLICT, "2026-11-20": f"{datetime.now(UTC):%Y-%m-%d}"},
    ),
    "PaymentsBrokerDown": Steps(killed(lambda stack: stack.broker), ("Kafka does not answer",)),
    "PaymentsWarehouseDown": Steps(killed(lambda stack: stack.warehouse), ("The warehouse does not answer",)),
    "PaymentsSensorSilent": Steps(killed(lambda stack: stack.dagster), ("down",)),
    "PaymentsWatchSilent": Steps(killed(lambda stack: stack.dagster), ("down",)),
}


@pytest.mark.parametrize("alert", STEPS)
def test_a_runbooks_commands_show_the_cause_and_mend_it(alert: str, payments: Command) -> None:
    todo = STEPS[alert]
    diagnosis, mitigation = steps(alert)
    printed = ""
    with todo.cause(payments):
        for command in diagnosis:
            printed += typed(payments, command, todo)
        assert [text for text in todo.shows if text not in printed] == [], printed
        for command in mitigation:
            typed(payments, command, todo)
    assert "does not answer" not in payments.succeed("status")


def typed(payments: Command, command: str, todo: Steps) -> str:
    for word, other in todo.words.items():
        command = re.sub(rf"\b{re.escape(word)}\b", other, command)
    done = payments.run(*words_of(command))
    assert done.returncode == 0 or command in todo.fails, f"$ {command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def words_of(command: str) -> list[str]:
    program, *words = shlex.split(command)
    assert program == "payments", command
    return words
