"""A pretended contender that is killed and started again: what is waited for, and what is said of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from benchmarks.contest import recovery
from benchmarks.contest.bench import with_recovery
from benchmarks.contest.contest import Failed
from benchmarks.contest.recovery import NO_RECOVERY, Listener, Recovery, await_end, await_new, files_seen, judged
from tests.unit.benchmarks.contest.test_results import OURS

DONE = 'print(\'{"phase": "done"}\', flush=True)'


@contextmanager
def contender(script: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        yield child
        child.kill()


def test_a_new_result_ends_the_wait(tmp_path: Path) -> None:
    (tmp_path / "old.parquet").touch()
    before = files_seen("parquet", tmp_path)
    script = f"import time; open({str(tmp_path / 'new.parquet')!r}, 'w').close(); time.sleep(60)"
    with contender(script) as child:
        await_new(Listener(child), lambda: files_seen("parquet", tmp_path), before)
    assert files_seen("parquet", tmp_path) != before


def test_a_file_written_anew_is_a_new_result(tmp_path: Path) -> None:
    file = tmp_path / "0.parquet"
    file.touch()
    before = files_seen("parquet", tmp_path)
    os.utime(file, ns=(1, 1))
    assert files_seen("parquet", tmp_path) != before


@pytest.mark.parametrize(("script", "message"), [("raise SystemExit(3)", "done"), (DONE, "without a new result")])
def test_an_end_without_a_new_result_is_a_failure(script: str, message: str) -> None:
    with contender(script) as child, pytest.raises(Failed, match=message):
        await_new(Listener(child), lambda: 0, 0)


def test_who_is_done_before_the_kill_has_not_been_killed() -> None:
    with contender(DONE) as child:
        listener = Listener(child)
        listener.wait()
        with pytest.raises(Failed, match="more events"):
            listener.require_alive("it")


@pytest.mark.parametrize(("wrong", "message"), [("", "exact"), ("7 rows too many", "7 rows too many")])
def test_the_result_after_a_kill_is_judged(wrong: str, message: str) -> None:
    assert judged(lambda: wrong) == Recovery(None, not wrong, message)


def test_half_a_file_is_a_wrong_result_and_no_crash_of_ours(tmp_path: Path) -> None:
    (tmp_path / "half.parquet").write_bytes(b"PAR1")

    def read() -> str:
        return str(duckdb.sql(f"select * from '{tmp_path}/half.parquet'"))

    assert judged(read) == Recovery(None, False, "a file that cannot be read")


def test_who_never_says_that_it_is_done_is_done_once_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "_QUIET_SECONDS", 0.0)
    with contender("import time; time.sleep(60)") as child:
        listener = Listener(child)
        await_end(listener, lambda: 0, lambda: True)
        await_end(listener, lambda: 0, lambda: False, stuck_seconds=0.1)
        assert child.poll() is None


def test_who_dies_before_the_end_has_failed() -> None:
    with contender("raise SystemExit(3)") as child, pytest.raises(Failed):
        await_end(Listener(child), lambda: 0, lambda: False)


def test_an_outcome_takes_up_what_became_of_the_kill() -> None:
    assert with_recovery(OURS, None) is OURS
    assert with_recovery(OURS, NO_RECOVERY).after_kill == "no recovery"
    assert with_recovery(OURS, Recovery(3.0, True, "exact")).recovery_seconds == 3.0
    assert recovery.line(NO_RECOVERY) == "no recovery"
