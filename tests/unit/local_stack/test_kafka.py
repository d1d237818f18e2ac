"""The broker's configuration and addresses; the broker itself is for the integration tests."""

import socket
from pathlib import Path

import pytest

from local_stack.kafka import Broker, parse_cluster, server_properties
from local_stack.processes import StackError


def properties(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def home_with_jars(tmp_path: Path) -> Path:
    (tmp_path / "jars" / "broker").mkdir(parents=True)
    (tmp_path / "jars" / "broker" / "kafka_2.13-0.jar").touch()
    return tmp_path


def test_the_broker_can_be_reached_from_this_machine_only(tmp_path: Path) -> None:
    settings = properties(server_properties("127.0.0.1", 9092, 9093, tmp_path))
    assert settings["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert settings["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092"


def test_a_mistyped_topic_is_not_created_by_itself(tmp_path: Path) -> None:
    assert properties(server_properties("127.0.0.1", 1, 2, tmp_path))["auto.create.topics.enable"] == "false"


def test_records_are_kept_for_a_week(tmp_path: Path) -> None:
    settings = properties(server_properties("127.0.0.1", 1, 2, tmp_path))
    assert settings["log.retention.hours"] == "168"
    # Only a closed segment is deleted: one must be closed in time.
    assert int(settings["log.roll.hours"]) <= 24
    assert int(settings["log.segment.bytes"]) <= 128 * 2**20
    shorter = properties(server_properties("127.0.0.1", 1, 2, tmp_path, retention_hours=2))
    assert (shorter["log.retention.hours"], shorter["log.roll.hours"]) == ("2", "2")


def test_the_controllers_port_stays_the_same(tmp_path: Path) -> None:
    broker = Broker(tmp_path, "127.0.0.1:9092")
    first = broker._write_properties().read_text()
    assert broker._write_properties().read_text() == first


def test_the_controllers_port_moves_where_another_program_took_it(tmp_path: Path) -> None:
    broker = Broker(tmp_path, "127.0.0.1:9092")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        path = tmp_path / "kafka" / "server.properties"
        path.parent.mkdir()
        path.write_text(server_properties("127.0.0.1", 9092, taken, tmp_path / "kafka" / "data"))
        voters = properties(broker._write_properties().read_text())["controller.quorum.voters"]
    assert not voters.endswith(f":{taken}")


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        ("127.0.0.1:9092", True),
        ("localhost:9092", True),
        ("127.0.0.1:9092,127.0.0.1:9093", False),
        ("kafka.example:9092", False),
        ("10.1.2.3:9092", False),
    ],
)
def test_only_one_loopback_address_is_ours_to_run(servers: str, expected: bool, tmp_path: Path) -> None:
    assert Broker(tmp_path, servers).is_local is expected


def test_localhost_is_the_address_that_clients_use_too(tmp_path: Path) -> None:
    assert Broker(tmp_path, "localhost:9192")._address == ("127.0.0.1", 9192)


def test_a_taken_port_is_one_line_that_names_the_setting(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StackError, match=rf"^Port {port} .*KAFKA_BOOTSTRAP_SERVERS.*$"):
            Broker(home_with_jars(tmp_path), f"127.0.0.1:{port}").start()


def test_missing_jars_are_one_line_that_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="make setup"):
        Broker(tmp_path, "127.0.0.1:1").start()


def test_a_port_that_cannot_be_is_one_line_that_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"^KAFKA_BOOTSTRAP_SERVERS .*99999.*$"):
        Broker(tmp_path, "127.0.0.1:99999").start()


def test_a_wrong_heap_is_one_line_that_names_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kafka" / "data").mkdir(parents=True)
    (tmp_path / "kafka" / "data" / "meta.properties").touch()
    monkeypatch.setenv("PAYMENTS_KAFKA_HEAP", "512m -XX:OnError=ls")
    with pytest.raises(StackError, match="PAYMENTS_KAFKA_HEAP"):
        Broker(home_with_jars(tmp_path), "127.0.0.1:1").start()


def test_a_wrong_retention_is_one_line_that_names_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENTS_KAFKA_RETENTION_HOURS", "a week")
    with pytest.raises(StackError, match="PAYMENTS_KAFKA_RETENTION_HOURS"):
        Broker(home_with_jars(tmp_path), "127.0.0.1:1").start()


def test_an_external_cluster_that_does_not_answer_is_an_error_and_starts_nothing(tmp_path: Path) -> None:
    broker = Broker(tmp_path, "127.0.0.1:1,127.0.0.1:2")
    with pytest.raises(StackError, match=r"not ours to start: it did not answer .*KAFKA_BOOTSTRAP_SERVERS"):
        broker.start()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("message", "brokers"), [(b"\x00", 1), (b"\x01", 0), (b"\x04abc", 3)])
def test_the_answer_of_a_cluster_is_read_whatever_message_it_carries(message: bytes, brokers: int) -> None:
    answer = bytes(11) + message + b"\x06abcde" + bytes(4) + bytes([brokers + 1]) + bytes(30)
    assert parse_cluster(answer) == ("abcde", brokers)


def test_something_that_is_not_kafka_does_not_count_as_up(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        other.close()
        assert not Broker(tmp_path, f"127.0.0.1:{port}").is_up()
