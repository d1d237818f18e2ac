"""`payments status` tells what it can, whatever of it is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from google.api_core.exceptions import NotFound

from orchestration.automation import backlog_reads
from orchestration.automation.backlog import Published
from orchestration.cli import lifecycle
from orchestration.resources.broker import BrokerReader
from orchestration.settings import read_stack_settings
from orchestration.verification.warehouse_reads import WarehouseReads
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.source.topic import BrokerUnreachable
from spark_jobs.warehouse import client

SETTINGS = read_stack_settings({})


@pytest.mark.parametrize(
    "trouble",
    [
        Incident(IncidentKind.TOPIC_MISSING, "topic 'payment-events' does not exist"),
        BrokerUnreachable("Kafka at 127.0.0.1:9092: it did not answer"),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
def test_a_topic_that_cannot_be_asked_leaves_what_is_published(
    trouble: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def look(_reader: BrokerReader) -> None:
        raise trouble

    monkeypatch.setattr(backlog_reads, "read_published", lambda *_: Published("topic-1", {0: 471}))
    monkeypatch.setattr(BrokerReader, "look", look)
    lifecycle._show_progress(SETTINGS, broker_answers=True)
    printed = " ".join(capsys.readouterr().out.split())
    assert "0 471" in printed
    assert f"How much waits in Kafka is not known: {trouble}" in printed


def test_before_the_first_run_there_is_no_dataset_and_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def connect(_job: object) -> Iterator[None]:
        yield

    def newest_batch(_reads: WarehouseReads) -> None:
        raise NotFound("Table batch_ledger was not found")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(client, "connect", connect)
    monkeypatch.setattr(WarehouseReads, "newest_batch", newest_batch)
    lifecycle._show_health(SETTINGS)
    assert capsys.readouterr().out.strip() == "There is no dataset payment_data yet: the first run makes it."
