"""A whole simulation against a broker that is only pretended: order, manifest, pacing, stopping, failing."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest

import simulator.sending.simulate
from simulator import __main__
from simulator.config import REAL_FRAUD_RATE, SimulationConfig
from simulator.sending.manifest import read_manifest
from simulator.sending.producer import ProducerError
from simulator.sending.simulate import simulate
from spark_jobs.contract.payment_event import Disposition

AN_HOUR_MS = 1_795_219_200_000


class Metadata(NamedTuple):
    """What the client says of an acknowledged record."""

    partition: int
    offset: int
    timestamp: int


class PretendedProducer:
    """Keeps what it is sent and acknowledges it only when it has to."""

    last: "PretendedProducer"

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self.address = (bootstrap_servers, topic)
        self.log: dict[tuple[int, int], tuple[bytes, bytes | None]] = {}
        self.offsets = [0, 0, 0]
        self.waiting: list[tuple[Callable[[Metadata], None], Metadata]] = []
        self.versions: set[str] = set()
        PretendedProducer.last = self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    @contextmanager
    def acknowledging(self) -> Iterator[None]:
        yield
        for on_acknowledged, metadata in self.waiting:
            on_acknowledged(metadata)

    def send(
        self, key: bytes, value: bytes | None, on_acknowledged: Callable[[Metadata], None], version: str = "1"
    ) -> None:
        partition = key[-1] % 3
        metadata = Metadata(partition, self.offsets[partition], AN_HOUR_MS)
        self.offsets[partition] += 1
        self.log[partition, metadata.offset] = key, value
        self.versions.add(version)
        self.waiting.append((on_acknowledged, metadata))


@pytest.fixture(autouse=True)
def _pretend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator.sending.simulate, "PaymentProducer", PretendedProducer)


def test_a_refund_is_sent_as_an_event_of_version_2_and_told_in_the_manifest(tmp_path: Path) -> None:
    simulate(SimulationConfig(events=200, refund_rate=0.1), "broker:9092", "payment-events", tmp_path / "m.json")
    assert PretendedProducer.last.versions == {"1", "2"}
    refunds = [record for record in read_manifest(tmp_path / "m.json").deliveries if record.kind == "refund"]
    assert len(refunds) == 20
    assert {(record.disposition, record.fraud) for record in refunds} == {(Disposition.UNIQUE, None)}


def test_the_manifest_has_a_line_for_every_record_of_the_log(tmp_path: Path) -> None:
    config = SimulationConfig(events=2_000, seed=3, malformed_rate=0.05, late_rate=0.02)
    summary = simulate(config, "broker:9092", "payment-events", tmp_path / "m.json")
    manifest = read_manifest(tmp_path / "m.json")
    log = PretendedProducer.last.log
    assert PretendedProducer.last.address == ("broker:9092", "payment-events")
    assert {(d.partition, d.offset): d.sha256 for d in manifest.deliveries} == {
        where: hashlib.sha256(value or b"").hexdigest() for where, (_, value) in log.items()
    }
    for delivery in manifest.deliveries:
        if delivery.reasons:
            assert (delivery.day, delivery.currency, delivery.amount_minor) == ("2026-11-21", "", 0)
            assert delivery.transaction_id is None
        else:
            event = json.loads(log[delivery.partition, delivery.offset][1] or b"")
            assert event["event_time"][:10] == delivery.day
            assert (event["transaction_id"], event["currency"]) == (delivery.transaction_id, delivery.currency)
            assert int(event["amount"].replace(".", "")) == delivery.amount_minor
    counted = manifest.per_partition()
    assert {(p, d): n for p, own in counted.items() for d, n in own.items() if n} == dict(summary.counts)
    assert summary.payments == summary.of(Disposition.UNIQUE) == 2_000
    assert manifest.header.settings["seed"] == 3
    assert manifest.header.source == summary.source


def test_progress_is_told_with_the_size_of_the_burst() -> None:
    given: list[tuple[int, int | None]] = []
    simulate(SimulationConfig(events=1_000), "b:1", "t", progress=lambda sent, total: given.append((sent, total)))
    assert given == [(500, 1_021), (1_000, 1_021)]


class PretendedTime:
    """A clock that only waiting moves."""

    def __init__(self, now: float) -> None:
        self.now = now

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class PretendedStop(threading.Event):
    """An event that nobody sets; to wait for it is to let time pass."""

    def __init__(self, clock: PretendedTime) -> None:
        super().__init__()
        self.clock = clock
        self.waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout
        self.clock.now += timeout
        self.waits += 1
        return self.is_set()


def test_a_steady_simulation_keeps_its_pace_for_its_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = PretendedTime(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
    began = clock.now
    stop = PretendedStop(clock)

    class PretendedDatetime(datetime):
        """The same clock, as a date."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "PretendedDatetime":
            return cls.fromtimestamp(clock.now, tz)

    monkeypatch.setattr(simulator.sending.simulate, "time", clock)
    monkeypatch.setattr(simulator.sending.simulate, "datetime", PretendedDatetime)
    config = SimulationConfig(rate=20, duration_seconds=30, retry_rate=0, malformed_rate=0)
    summary = simulate(config, "b:1", "t", stop=stop)
    assert 600 <= summary.payments <= 601  # A sum of twentieths of a second ends a hair before or after 30.
    assert 29 < clock.now - began < 31
    assert 599 <= stop.waits <= 601


def test_a_stopped_simulation_leaves_a_complete_manifest(tmp_path: Path) -> None:
    stop = threading.Event()
    config = SimulationConfig(rate=1_000_000)
    summary = simulate(config, "b:1", "t", tmp_path / "m.json", stop=stop, progress=lambda *_: stop.set())
    assert summary.deliveries == len(read_manifest(tmp_path / "m.json").deliveries) == 500


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, **env: str) -> tuple[int, list[Any]]:
    calls: list[Any] = []

    def pretended(config: SimulationConfig, *rest: object, stop: threading.Event) -> object:
        calls.extend([config, *rest])
        assert not stop.is_set()
        return simulator.sending.simulate.Summary("s", "t", None)

    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(__main__, "_stop_on_signals", lambda _stop: None)
    monkeypatch.setattr(__main__, "simulate", pretended)
    return __main__.main(arguments), calls


def test_the_command_takes_broker_and_topic_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    code, (config, *rest) = run(
        monkeypatch,
        *("--events", "5", "--seed", "9", "--manifest", "m.json", "--span-minutes", "10"),
        KAFKA_BOOTSTRAP_SERVERS="kafka:1234",
        KAFKA_TOPIC_PAYMENTS="elsewhere",
    )
    assert code == 0
    assert config == SimulationConfig(events=5, seed=9, span_minutes=10)
    assert rest == ["kafka:1234", "elsewhere", Path("m.json")]


@pytest.mark.parametrize(
    ("arguments", "rate"),
    [([], 0.003), (["--preset", "real"], REAL_FRAUD_RATE), (["--preset", "real", "--fraud-rate", "0.1"], 0.1)],
)
def test_the_real_preset_has_as_little_fraud_as_there_is(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], rate: float
) -> None:
    _, (config, *_) = run(monkeypatch, *arguments)
    assert config.fraud_rate == rate


@pytest.mark.parametrize(
    ("arguments", "env", "line"),
    [
        (["--late-rate", "0.9"], {}, "--late-rate must be between 0 and 0.2, not 0.9."),
        (["--duration", "5"], {}, "--duration needs --rate: a burst ends by itself."),
        ([], {"KAFKA_BOOTSTRAP_SERVERS": "nowhere"}, "KAFKA_BOOTSTRAP_SERVERS must be host:port"),
    ],
)
def test_a_wrong_setting_is_one_line_on_stderr(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    env: dict[str, str],
    line: str,
) -> None:
    code, calls = run(monkeypatch, *arguments, **env)
    assert (code, calls) == (2, [])
    assert capsys.readouterr().err.startswith(line)


@pytest.mark.parametrize("error", [ProducerError("No Kafka broker answers."), OSError(28, "No space left on device")])
def test_a_failure_is_one_line_and_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(__main__, "_stop_on_signals", lambda _stop: None)
    monkeypatch.setattr(__main__, "simulate", failing)
    assert __main__.main([]) == 1
    assert capsys.readouterr().err.count("\n") == 1
