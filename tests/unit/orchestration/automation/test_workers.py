"""A process is known to be gone by the lock that it held, whatever the machine was called then and is called now."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestration.automation import workers
from orchestration.automation.workers import is_worker_dead, this_worker

CODE = """
import sys
from pathlib import Path
from orchestration.automation import workers
workers.socket.gethostname = lambda: "a-container-of-before"
print(workers.this_worker(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@contextmanager
def another(folder: Path) -> Iterator[tuple[str, int]]:
    """A worker under another hostname, alive, and its pid."""
    command = [sys.executable, "-c", CODE, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip(), process.pid


def test_a_worker_that_was_killed_under_another_hostname_is_dead_and_one_that_lives_is_not(tmp_path: Path) -> None:
    with another(tmp_path) as (worker, pid):
        assert worker.startswith("a-container-of-before|")
        assert is_worker_dead(worker) is False
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert is_worker_dead(worker)
        assert is_worker_dead(worker), "and stays so"


def test_this_process_lives_and_holds_one_lock_a_folder(tmp_path: Path) -> None:
    worker = this_worker(tmp_path / "workers")
    assert this_worker(tmp_path / "workers") == worker
    assert is_worker_dead(worker) is False
    assert len(list((tmp_path / "workers").iterdir())) == 1


def test_where_the_lock_cannot_be_seen_nothing_is_known_whatever_hostname_and_pid_say(tmp_path: Path) -> None:
    host, pid, lock = this_worker(tmp_path).split("|")
    for named in (f"{host}|{pid}", f"{host}|{2**22 + 1}", "elsewhere|1"):
        assert is_worker_dead(f"{named}|{tmp_path / 'gone.lock'}") is None
        assert is_worker_dead(f"{named}|{lock}") is False


@pytest.mark.parametrize("worker", ["", "|", "host", "host|not a pid|x", "host|1|boot/1"])
def test_a_tag_that_names_no_lock_kills_nobody(worker: str) -> None:
    assert is_worker_dead(worker) is None


def test_old_locks_that_nobody_holds_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_KEPT_SECONDS", -1.0)
    (tmp_path / "left.lock").touch()
    with another(tmp_path) as (worker, _):
        mine = this_worker(tmp_path)
        left = {str(path) for path in tmp_path.iterdir()}
        assert left == {worker.rsplit("|", 1)[1], mine.rsplit("|", 1)[1]}
