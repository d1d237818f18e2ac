"""Whose turn it is: one process at a time, and the next one as soon as that has ended or died."""

import subprocess
import sys
import threading
from pathlib import Path

from spark_jobs.turns.turn import at_once, by_lock

HOLD = """
import fcntl, sys
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
input()
"""


def unexpected() -> None:
    raise AssertionError("nobody else was at it")


def test_at_once_waits_for_nobody_and_is_never_lost() -> None:
    with at_once(unexpected) as hold:
        hold.check()
        hold.confirm()


def test_the_first_does_not_wait(tmp_path: Path) -> None:
    with by_lock(tmp_path / "run" / "turn", unexpected):
        pass
    with by_lock(tmp_path / "run" / "turn", unexpected):
        pass


def test_the_second_warms_up_and_then_waits_for_the_first_to_end(tmp_path: Path) -> None:
    is_warm, has_ended, events = threading.Event(), threading.Event(), list[str]()

    def second() -> None:
        with by_lock(tmp_path / "turn", is_warm.set):
            events.append("second")
        has_ended.set()

    with by_lock(tmp_path / "turn", unexpected):
        threading.Thread(target=second, daemon=True).start()
        assert is_warm.wait(30)
        events.append("first")
    assert has_ended.wait(30)
    assert events == ["first", "second"]


def test_a_holder_that_is_killed_lets_go(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "turn"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        with by_lock(tmp_path / "turn", holder.kill):
            assert holder.wait() == -9
