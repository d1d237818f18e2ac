"""The command as a user meets it: what is wrong is one line, and help is quick."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
from google.api_core.exceptions import NotFound
from google.auth.exceptions import DefaultCredentialsError
from requests.exceptions import Timeout as RequestsTimeout

from orchestration.cli import app

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def nobodys_port() -> Iterator[int]:
    """A port that is bound, but on which nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


def payments(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli.app", *arguments],
        cwd=home,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "PAYMENTS_HOME": str(home / "home"), **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    [line] = done.stderr.splitlines()
    return line


def test_a_wrong_setting_is_one_line_that_names_it_and_exit_code_2(tmp_path: Path) -> None:
    done = payments(tmp_path, "status", DAGSTER_PORT="many")
    assert done.returncode == 2
    assert only_line(done).startswith("DAGSTER_PORT must be")


def test_a_wrong_channel_of_alerts_is_told_at_once_and_by_doctor(tmp_path: Path) -> None:
    wrong = {"PAYMENTS_ALERT_SMTP": "mail.example.com", "PAYMENTS_ALERT_EMAIL_TO": "on-call@example.com"}
    done = payments(tmp_path, "up", **wrong)
    assert done.returncode == 2
    assert only_line(done).startswith("PAYMENTS_ALERT_SMTP must be host:port")
    done = payments(tmp_path, "doctor", COLUMNS="200", **wrong)
    [line] = [line for line in done.stdout.splitlines() if line.strip().startswith("notifications")]
    assert "FAIL" in line
    assert "PAYMENTS_ALERT_SMTP must be host:port" in line


def test_a_wrong_option_of_the_simulation_is_one_line_that_names_it(tmp_path: Path) -> None:
    done = payments(tmp_path, "simulate", "--late-rate", "3")
    assert done.returncode == 2
    assert "--late-rate" in only_line(done)


@pytest.mark.parametrize("command", ["simulate", "process", "build"])
def test_a_stack_that_is_down_is_one_line_that_says_how_to_start_it(
    tmp_path: Path, nobodys_port: int, command: str
) -> None:
    done = payments(tmp_path, command, KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{nobodys_port}")
    assert done.returncode == 1
    assert only_line(done).endswith("run `payments up --no-ui` first.")


@pytest.mark.parametrize("command", ["verify", "backtest"])
def test_a_warehouse_that_is_down_is_one_line(tmp_path: Path, nobodys_port: int, command: str) -> None:
    done = payments(tmp_path, command, BIGQUERY_EMULATOR_HOST=f"http://127.0.0.1:{nobodys_port}")
    assert done.returncode == 1
    assert "does not answer" in only_line(done)


REFUSAL = "Not found: Table payment_data.batch_ledger"
FAILURES = [
    (NotFound(REFUSAL), REFUSAL),  # type: ignore[no-untyped-call]
    (DefaultCredentialsError("no credentials\nwere found"), "no credentials"),  # type: ignore[no-untyped-call]
    (RequestsTimeout("read timed out"), "read timed out"),
    (TimeoutError("job j was told to end: it ran for 600 s"), "it ran for 600 s"),
    (ConnectionError("the warehouse opened no session"), "opened no session"),
]
"""All kinds of what Google's client raises, and we in its place."""


@pytest.mark.parametrize(("error", "said"), FAILURES, ids=lambda value: type(value).__name__)
def test_whatever_the_warehouse_s_client_raises_is_one_line_with_what_to_do(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(app, "app", Mock(side_effect=error))
    with pytest.raises(SystemExit) as left:
        app.main()
    [line] = capsys.readouterr().err.splitlines()
    assert left.value.code == 1
    assert line.startswith("The warehouse refused or was silent: ")
    assert said in line
    assert line.endswith("; see `payments doctor`.")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PermissionError(13, "Permission denied", "/srv/home"), "/srv/home: Permission denied"),
        (OSError(28, "No space left on device"), "This machine: No space left on device"),
    ],
    ids=["home", "disk"],
)
def test_a_home_that_cannot_be_written_to_and_a_full_disk_are_one_line(
    error: OSError, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(app, "app", Mock(side_effect=error))
    with pytest.raises(SystemExit) as left:
        app.main()
    assert (left.value.code, capsys.readouterr().err) == (1, f"{line}; see `payments doctor`.\n")


def test_a_manifest_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = payments(tmp_path, "verify", "--manifest", "nowhere.jsonl")
    assert done.returncode == 1
    assert "nowhere.jsonl" in only_line(done)


def test_a_port_that_is_taken_is_one_line_that_names_the_setting(tmp_path: Path, nobodys_port: int) -> None:
    jars = tmp_path / "home" / "jars" / "broker"
    jars.mkdir(parents=True)
    (jars / "kafka_2.13.jar").touch()
    done = payments(tmp_path, "up", "--no-ui", KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{nobodys_port}")
    assert done.returncode == 1
    assert "KAFKA_BOOTSTRAP_SERVERS" in only_line(done)


def test_a_digest_that_is_none_is_one_line(tmp_path: Path) -> None:
    done = payments(tmp_path, "audit", "2026-11-21", "--opening", "abc")
    assert done.returncode == 2
    assert "64 hexadecimal digits" in done.stderr


def test_a_java_home_without_java_is_named(tmp_path: Path) -> None:
    done = payments(tmp_path, "doctor", JAVA_HOME="/nowhere")
    [line] = [line for line in done.stdout.splitlines() if line.strip().startswith("Java")]
    assert "/nowhere/bin: mend or unset JAVA_HOME" in line


def test_down_where_nothing_is_up_does_nothing_and_succeeds(tmp_path: Path) -> None:
    done = payments(tmp_path, "down")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "The platform is down."


def test_doctor_says_of_each_thing_what_to_do(tmp_path: Path) -> None:
    done = payments(tmp_path, "doctor", PATH="/nowhere")
    assert done.returncode == 1
    for what in ("Java", "broker's jars", "warehouse's environment"):
        [line] = [line for line in done.stdout.splitlines() if line.strip().startswith(what)]
        assert "FAIL" in line
        assert "install" in line or "make setup" in line


def test_help_loads_nothing_slow() -> None:
    code = (
        "import sys, orchestration.cli.app; "
        "print(sorted({'dagster', 'pyspark', 'google.cloud.bigquery', 'kafka', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_every_command_explains_itself(tmp_path: Path) -> None:
    done = payments(tmp_path, "--help")
    assert done.returncode == 0
    for command in ("up", "down", "status", "doctor", "simulate", "process", "build", "verify", "backtest", "demo"):
        assert f" {command} " in done.stdout
