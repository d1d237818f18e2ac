"""A contender under the meter: a script that says what the protocol asks for, or does not."""

import os
import sys
import time
from pathlib import Path

import pytest

from benchmarks.contest import contest
from benchmarks.contest.contest import Contender, Failed, Task
from benchmarks.harness.latency_spread import spread
from benchmarks.harness.processes import resident_bytes

PEER = Contender("pretended", "pretended", "pretended", "parquet")
TASK = Task("127.0.0.1:1", "warm", {0: 1}, "full", {0: 20, 1: 30})
GOOD = """
import time
from protocol import main
def drain(job):
    print('{"phase": 1}', "an engine's own words")
    (job.output / "done").write_text(str(job.records))
    enough = time.process_time() + 0.1  # CPU is told in hundredths
    while time.process_time() < enough:
        pass
    return {"state_bytes": 7}
main(drain, "something")
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PAYMENTS_HOME whose one environment is our own interpreter."""
    python = tmp_path / "home" / "peers" / "pretended" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    protocol = contest.PEERS / "protocol.py"
    monkeypatch.setattr(contest, "PEERS", tmp_path / "peers")
    (tmp_path / "peers" / "pretended").mkdir(parents=True)
    (tmp_path / "peers" / "protocol.py").symlink_to(protocol)
    return tmp_path / "home"


def run(tmp_path: Path, home: Path, script: str, timeout_seconds: float = 60) -> contest.Reading:
    (tmp_path / "peers" / "pretended" / "run.py").write_text(script)
    folder = tmp_path / "run"
    folder.mkdir()
    return contest.run(PEER, TASK, folder, home, broker=os.getpid(), timeout_seconds=timeout_seconds)


def test_a_contender_drains_both_topics_and_is_metered(tmp_path: Path, home: Path) -> None:
    reading = run(tmp_path, home, GOOD)
    assert [(tmp_path / "run" / name / "output" / "done").read_text() for name in ("warm", "full")] == ["1", "50"]
    assert reading.report == {"phase": "done", "lacks": "something", "state_bytes": 7}
    assert min(reading.cold_seconds, reading.seconds, reading.cpu, reading.cold_cpu) > 0


def test_a_contender_that_dies_has_failed(tmp_path: Path, home: Path) -> None:
    with pytest.raises(Failed, match="pretended ended with 3"):
        run(tmp_path, home, "raise SystemExit(3)")


def test_a_contender_that_hangs_is_given_up_with_all_it_has_started(tmp_path: Path, home: Path) -> None:
    child = tmp_path / "pid"
    script = f"import os, time\npid = os.fork() or open({str(child)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    with pytest.raises(Failed, match="was not done after 2 s"):
        run(tmp_path, home, script, timeout_seconds=2)
    deadline = time.monotonic() + 10
    while resident_bytes(int(child.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not resident_bytes(int(child.read_text()))


def test_a_contender_without_an_environment_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="make peers"):
        contest.run(PEER, TASK, tmp_path, tmp_path, broker=os.getpid())


def test_percentiles_are_of_records_not_of_batches() -> None:
    whole = spread(0, {1.0: 94, 2.0: 4, 9.0: 2})
    assert (whole.records, whole.p50, whole.p95, whole.p99, whole.worst) == (100, 1.0, 2.0, 9.0, 9.0)
