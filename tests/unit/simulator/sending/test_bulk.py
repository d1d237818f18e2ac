"""A bulk load: valid payments and their retries, each told apart as it will be tagged; and its optional producer."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Self

import pyarrow as pa
import pytest

from simulator import __main__
from simulator.config import SimulationConfig
from simulator.sending import bulk
from simulator.sending.fast_producer import FastProducer
from simulator.sending.producer import ProducerError
from spark_jobs.contract.payment_event import Disposition
from spark_jobs.parsing.json_parsing import parse
from spark_jobs.parsing.validation import validate

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CONFIG = SimulationConfig(events=10_000, seed=7, retry_rate=0.1)


@pytest.fixture(scope="module")
def blocks() -> list[bulk.Block]:
    return list(bulk.blocks(CONFIG, NOON))


class PretendedProducer:
    """Keeps what it is sent; a key's partition is its last digit's parity."""

    def __init__(self, _bootstrap_servers: str, _topic: str) -> None:
        self.sent: list[bytes] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    @contextmanager
    def acknowledging(self) -> Iterator[None]:
        yield

    def send_all(self, keys: list[bytes], values: list[bytes]) -> list[int]:
        self.sent += values
        return [key[-1] % 2 for key in keys]


def test_every_payment_keeps_the_contract(blocks: list[bulk.Block]) -> None:
    values = list(chain.from_iterable(block.values for block in blocks))
    now = pa.array([NOON] * len(values), pa.timestamp("us", "UTC"))
    assert not any(validate(parse(values), now)["reasons"].to_pylist())


def test_a_retry_is_a_payment_of_an_earlier_block_with_its_key(blocks: list[bulk.Block]) -> None:
    seen: dict[bytes, bytes] = {}
    retries = 0
    for block in blocks:
        pairs = list(zip(block.values, block.keys, strict=True))
        assert all(seen.get(value) == key for value, key in pairs[block.payments :])
        retries += len(pairs) - block.payments
        seen.update(pairs[: block.payments])
    assert len(seen) == CONFIG.events
    assert retries == CONFIG.events * CONFIG.retry_rate


def test_a_record_is_keyed_by_its_sender_and_lies_in_the_span(blocks: list[bulk.Block]) -> None:
    oldest = NOON - timedelta(minutes=CONFIG.span_minutes)
    for value, key in chain.from_iterable(zip(block.values, block.keys, strict=True) for block in blocks):
        event = json.loads(value)
        assert event["sender_account_id"].encode() == key
        assert oldest <= datetime.fromisoformat(event["event_time"]) <= NOON


def test_the_same_seed_and_start_give_the_same_bytes(blocks: list[bulk.Block]) -> None:
    assert list(bulk.blocks(CONFIG, NOON)) == blocks
    assert next(bulk.blocks(SimulationConfig(events=10_000, seed=8), NOON)).values != blocks[0].values


def test_a_load_counts_what_ought_to_become_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bulk.PRODUCERS, "kafka-python", PretendedProducer)
    summary = bulk.load(CONFIG, "broker", "topic")
    assert (summary.payments, summary.frauds, summary.deliveries) == (10_000, 0, 11_000)
    assert (summary.of(Disposition.UNIQUE), summary.of(Disposition.DUPLICATE)) == (10_000, 1_000)


def test_at_a_rate_payments_are_as_many_as_fit_and_none_is_sent_before_its_time() -> None:
    config = SimulationConfig(rate=2_000, duration_seconds=1.5, retry_rate=0.1)
    paced = list(bulk.blocks(config, NOON))
    assert sum(block.payments for block in paced) == 3_000
    assert sum(len(block.values) for block in paced) == 3_300
    for block in paced:
        made = [datetime.fromisoformat(json.loads(value)["event_time"]) for value in block.values]
        assert min(made) >= NOON
        assert round(max(made).timestamp() * 1000) <= block.due_ms
    assert paced[-1].due_ms < NOON.timestamp() * 1000 + 1_500


def test_a_load_at_a_rate_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bulk.PRODUCERS, "kafka-python", PretendedProducer)
    summary = bulk.load(SimulationConfig(rate=10_000, duration_seconds=0.3, retry_rate=0), "broker", "topic")
    assert summary.deliveries == 3_000
    assert summary.seconds >= 0.3 - 1 / 10_000


def test_a_load_ends_when_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bulk.PRODUCERS, "kafka-python", PretendedProducer)
    stop = threading.Event()
    stop.set()
    assert bulk.load(CONFIG, "broker", "topic", stop=stop).deliveries == 0


def test_the_fast_producer_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ProducerError, match=r"pip install \.\[fast\]"):
        FastProducer("127.0.0.1:1", "topic")


def test_a_bulk_load_has_no_manifest(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["--bulk", "--manifest", "m.json"]) == 2
    assert "leave out --manifest" in capsys.readouterr().err
