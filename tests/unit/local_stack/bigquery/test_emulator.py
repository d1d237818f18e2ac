"""The local warehouse's address and environment; the server itself is for the integration tests."""

import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from local_stack.bigquery import server as bigquery_server
from local_stack.bigquery.emulator import Warehouse
from local_stack.processes import Daemon, StackError, free_port

SERVER = Path(bigquery_server.__file__)


def home_with_environment(tmp_path: Path) -> Path:
    python = tmp_path / "warehouse-env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    return tmp_path


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://127.0.0.1:9050",
        "http://127.0.0.1",
        "http://127.0.0.1:9050/bigquery",
        "127.0.0.1:9050",
        "http://127.0.0.1:99999",
    ],
)
def test_an_endpoint_that_cannot_be_served_is_one_line_that_names_the_setting(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(StackError, match="BIGQUERY_EMULATOR_HOST"):
        Warehouse(tmp_path, endpoint, "payments-local").start()


@pytest.mark.parametrize("endpoint", ["http://0.0.0.0:1", "http://192.0.2.1:1"])
def test_the_stack_starts_no_warehouse_that_others_could_reach(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Warehouse, "_answers", lambda _self: False)
    with pytest.raises(StackError, match="only on a loopback address"):
        Warehouse(home_with_environment(tmp_path), endpoint, "payments-local").start()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104 - the addresses that must not pass
def test_the_server_itself_refuses_an_address_that_others_could_reach(host: str, tmp_path: Path) -> None:
    options = ["--host", host, "--port", "1", "--project", "p", "--data-dir", str(tmp_path)]
    command = [sys.executable, "-I", str(SERVER), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode != 0
    assert done.stderr.strip().splitlines()[-1].endswith("and this server has no authentication")


def test_a_taken_port_is_one_line_that_names_the_setting(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StackError, match=rf"^Port {port} .*BIGQUERY_EMULATOR_HOST.*$"):
            Warehouse(home_with_environment(tmp_path), f"http://127.0.0.1:{port}", "payments-local").start()


def test_a_missing_environment_is_one_line_that_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="make setup"):
        Warehouse(tmp_path, "http://127.0.0.1:1", "payments-local").start()


def test_the_patches_are_what_the_setting_says_and_all_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = Warehouse(tmp_path, "http://127.0.0.1:1", "payments-local")
    monkeypatch.delenv("PAYMENTS_WAREHOUSE_PATCHES", raising=False)
    assert warehouse.chosen_patches == "all"
    monkeypatch.setenv("PAYMENTS_WAREHOUSE_PATCHES", "none")
    assert warehouse.chosen_patches == "none"
    assert replace(warehouse, patches="all").chosen_patches == "all"


def test_a_patch_that_is_none_is_one_line_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"^PAYMENTS_WAREHOUSE_PATCHES must be .*'wings' is none of them\.$"):
        Warehouse(home_with_environment(tmp_path), "http://127.0.0.1:1", "payments-local", patches="wings").start()
    assert not (tmp_path / "logs").exists()


def test_a_server_that_runs_with_other_patches_is_left_alone_and_named(tmp_path: Path) -> None:
    endpoint = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    running = Warehouse(tmp_path, endpoint, "payments-local", patches="none")
    daemon = Daemon("bigquery", tmp_path, setting="BIGQUERY_EMULATOR_HOST", value=endpoint)
    assert running.running_patches() is None
    try:
        daemon.spawn(["sleep", "60"])
        daemon.pid_file.with_suffix(".patches").write_text("none")
        assert running.running_patches() == "none"
        with pytest.raises(StackError, match=r"with PAYMENTS_WAREHOUSE_PATCHES=none \(here it is all\)"):
            replace(running, patches="all").start()
        assert daemon.pid() is not None
    finally:
        daemon.stop()
    assert running.running_patches() is None


def test_a_warehouse_that_nobody_started_is_not_up(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path, "http://127.0.0.1:1", "payments-local")
    assert warehouse.pid() is None
    assert not warehouse.is_up()
    warehouse.stop()


@pytest.mark.parametrize("memory", ["0GB", "1 GB", "2G", "80%", "1GB'; drop"])
def test_a_memory_that_is_no_size_is_one_line_that_names_the_setting(
    memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYMENTS_WAREHOUSE_MEMORY", memory)
    with pytest.raises(StackError, match=r"^PAYMENTS_WAREHOUSE_MEMORY must look like 512MB or 2GB"):
        Warehouse(
            home_with_environment(tmp_path), f"http://127.0.0.1:{free_port('127.0.0.1')}", "payments-local"
        ).start()
