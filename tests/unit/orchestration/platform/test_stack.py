"""What `payments up` simulates: nothing among the records of somebody's own producers."""

from pathlib import Path

import pytest

from orchestration.platform.stack import DEFAULT_RATE, Stack
from orchestration.settings import read_stack_settings


def default_rate(home: Path, **env: str) -> float:
    return Stack(read_stack_settings({"PAYMENTS_HOME": str(home), **env})).default_rate()


def test_the_broker_that_we_run_gets_steady_traffic(tmp_path: Path) -> None:
    assert default_rate(tmp_path) == DEFAULT_RATE > 0


@pytest.mark.parametrize("servers", ["kafka.example.com:9092", "127.0.0.1:9092,127.0.0.1:9093"])
def test_somebody_elses_broker_gets_none(tmp_path: Path, servers: str) -> None:
    assert default_rate(tmp_path, KAFKA_BOOTSTRAP_SERVERS=servers) == 0


def test_a_broker_on_loopback_with_a_login_gets_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SSL")
    assert default_rate(tmp_path) == 0


def test_events_that_a_mapping_reads_get_none_beside_them(tmp_path: Path) -> None:
    mapping = tmp_path / "payment_event.toml"
    mapping.touch()
    assert default_rate(tmp_path, PAYMENTS_EVENT_MAPPING=str(mapping)) == 0
