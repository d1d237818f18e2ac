"""Children of the local stack: only what is ours is ever stopped, and the last words of the dead are told."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local_stack.processes import Daemon, StackError, free_port, is_loopback, is_port_free, process_identity

SLEEPER = [sys.executable, "-c", "import time; print('hello', flush=True); time.sleep(600)"]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon("sleeper", tmp_path)
    yield daemon
    daemon.stop(grace_seconds=5)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEPER, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        yield process
        process.kill()


def has_said_hello(daemon: Daemon) -> bool:
    return daemon.last_line() == "hello"


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came true"


def pretend(daemon: Daemon, pid: int, identity: str) -> None:
    daemon.pid_file.parent.mkdir(parents=True, exist_ok=True)
    daemon.pid_file.write_text(json.dumps({"pid": pid, "identity": identity}))


def test_a_started_process_is_known_by_its_pid_until_it_is_stopped(daemon: Daemon) -> None:
    daemon.spawn(SLEEPER)
    daemon.wait_until(lambda: has_said_hello(daemon), timeout_seconds=20)
    pid = daemon.pid()
    assert pid is not None
    assert os.getsid(pid) == pid
    daemon.stop()
    assert daemon.pid() is None
    assert process_identity(pid) is None
    assert not daemon.pid_file.exists()


def test_a_reused_pid_is_not_taken_for_ours_and_not_killed(daemon: Daemon, bystander: subprocess.Popen[bytes]) -> None:
    identity = process_identity(bystander.pid)
    assert identity is not None
    boot, _, started_at = identity.rpartition("/")
    pretend(daemon, bystander.pid, f"{boot}/{int(started_at) - 1}")
    assert daemon.pid() is None
    daemon.stop()
    assert bystander.poll() is None
    assert not daemon.pid_file.exists()


def test_a_pid_file_of_another_boot_kills_nothing(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda pid, _signal: killed.append(pid))
    pretend(daemon, 2**22 + 1, "another-boot/1")
    daemon.stop()
    assert killed == []


@pytest.mark.parametrize("content", ["", "12", "{}", '{"pid": "x", "identity": "y"}', '["pid"]', "not json"])
def test_a_broken_pid_file_means_that_nothing_runs(daemon: Daemon, content: str) -> None:
    daemon.pid_file.parent.mkdir(parents=True)
    daemon.pid_file.write_text(content)
    assert daemon.pid() is None
    daemon.stop()


def test_stopping_what_never_ran_does_nothing(daemon: Daemon) -> None:
    daemon.stop()
    assert daemon.pid() is None


def test_a_process_that_ignores_sigterm_is_killed(daemon: Daemon) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    daemon.spawn([sys.executable, "-c", deaf + SLEEPER[-1]])
    daemon.wait_until(lambda: has_said_hello(daemon), timeout_seconds=20)
    pid = daemon.pid()
    assert pid is not None
    daemon.stop(grace_seconds=0.2)
    assert process_identity(pid) is None


def test_what_a_killed_process_leaves_in_its_group_goes_when_it_is_stopped(daemon: Daemon) -> None:
    code = (
        "import subprocess, sys, time; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        "print(child.pid, flush=True); time.sleep(600)"
    )
    daemon.spawn([sys.executable, "-c", code])
    daemon.wait_until(lambda: daemon.last_line().isdecimal(), timeout_seconds=20)
    leader, child = daemon.pid(), int(daemon.last_line())
    assert leader is not None
    os.kill(leader, signal.SIGKILL)
    wait_for(lambda: daemon.pid() is None)
    assert process_identity(child) is not None
    daemon.stop()
    wait_for(lambda: process_identity(child) is None)


def test_a_child_that_dies_while_starting_is_reported_with_its_last_line_and_its_log(daemon: Daemon) -> None:
    daemon.spawn([sys.executable, "-c", "print('first'); print('no room left')"])
    with pytest.raises(StackError) as raised:
        daemon.wait_until(lambda: False, timeout_seconds=20)
    assert "no room left" in str(raised.value)
    assert str(daemon.log_file) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_child_that_is_not_ready_in_time_is_stopped(daemon: Daemon) -> None:
    daemon.spawn(SLEEPER)
    with pytest.raises(StackError, match="not ready after 0 s"):
        daemon.wait_until(lambda: False, timeout_seconds=0.1)
    assert daemon.pid() is None


def test_ensuring_what_is_up_launches_nothing(daemon: Daemon) -> None:
    daemon.spawn(SLEEPER)
    pid = daemon.pid()
    daemon.ensure(lambda: pytest.fail("launched again"), lambda: True, timeout_seconds=5)
    assert daemon.pid() == pid


def test_what_runs_elsewhere_is_named_and_left_where_it_is(daemon: Daemon) -> None:
    here = replace(daemon, setting="PLACE", value="here")
    here.spawn(SLEEPER)
    there = replace(here, value="there")
    with pytest.raises(StackError, match=r"PLACE=here \(here it is there\): set it to that, or run `payments down`"):
        there.ensure(lambda: pytest.fail("launched"), lambda: False, timeout_seconds=5)
    assert (here.elsewhere(), there.elsewhere()) == (None, "here")
    assert here.pid() is not None
    there.stop()
    assert here.pid() is None, "whoever may stop it need not know where it is"


def test_a_process_of_which_no_place_was_noted_is_not_elsewhere(daemon: Daemon) -> None:
    daemon.spawn(SLEEPER)
    assert replace(daemon, setting="PLACE", value="there").elsewhere() is None


def test_ensuring_what_has_died_launches_it_again(daemon: Daemon) -> None:
    daemon.spawn([sys.executable, "-c", "pass"])
    daemon.ensure(lambda: daemon.spawn(SLEEPER), lambda: has_said_hello(daemon), timeout_seconds=20)
    assert daemon.pid() is not None


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - the very address that must not pass
        ("::", False),
        ("10.0.0.1", False),
        ("kafka", False),
        ("", False),
    ],
)
def test_only_addresses_of_this_machine_are_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_a_port_is_taken_while_somebody_listens_on_it() -> None:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not is_port_free("127.0.0.1", port)
    assert is_port_free("127.0.0.1", port)
    assert is_port_free("127.0.0.1", free_port("127.0.0.1"))
