"""Latency of a contender: when its files could be read, and how long their payments had waited by then."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.contest import pacing
from benchmarks.contest.contest import Failed
from benchmarks.contest.pacing import FileReader, waited
from benchmarks.harness.latency_spread import merged
from benchmarks.peers import protocol
from benchmarks.peers.protocol import NEVER, Job
from spark_jobs.settings import read_job_settings


def write(path: Path, *ids: str) -> Path:
    pq.write_table(pa.table({"transaction_id": list(ids)}), path)
    return path


def test_a_payment_waits_until_its_file_can_be_read(tmp_path: Path) -> None:
    seen = {write(tmp_path / "1", "a", "b"): 110.0, write(tmp_path / "2", "c", "of the warm-up"): 120.0}
    assert waited(seen, {"a": 100.0, "b": 109.5, "c": 110.0}) == {10.0: 2, 0.5: 1}


def test_a_file_counts_from_when_it_is_whole(tmp_path: Path) -> None:
    reader = FileReader("parquet", tmp_path, read_job_settings({}))
    whole = write(tmp_path / "0.parquet", "a", "b").read_bytes()
    (tmp_path / "1.parquet").write_bytes(whole[: len(whole) // 2])
    reader.look()
    assert reader.payments() == 2
    (tmp_path / "1.parquet").write_bytes(whole)
    reader.look()
    assert reader.payments() == 4


def test_a_contender_that_is_done_is_told_of_a_topic_that_never_ends(tmp_path: Path) -> None:
    script = """
from protocol import main
def drain(job):
    (job.output / "seen").write_text(f"{job.topic} {job.records} {job.is_endless}")
main(drain, "something")
"""
    words = {"bootstrap-servers": "-", "warm-topic": "w", "topic": "t", "ends": '{"0": 7}', "folder": str(tmp_path)}
    given = [word for name, value in (words | {"warm-ends": '{"0": 1}'}).items() for word in (f"--{name}", value)]
    endless = json.dumps({"topic": "on-and-on", "partitions": [0, 1]}) + "\n"
    folder = Path(protocol.__file__).parent
    subprocess.run([sys.executable, "-c", script, *given], cwd=folder, input=endless, text=True, check=True, timeout=60)
    seen = {name: (tmp_path / name / "output" / "seen").read_text() for name in ("warm", "full", "paced")}
    assert seen == {"warm": "w 1 False", "full": "t 7 False", "paced": f"on-and-on {2 * NEVER} True"}


def test_a_contender_that_died_cannot_be_paced() -> None:
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"], stdin=subprocess.PIPE, text=True) as child:
        child.wait()
        with pytest.raises(Failed, match="ended with 3"):
            pacing._name_endless(child, "on-and-on", [0])


def test_a_topic_with_ends_is_not_endless(tmp_path: Path) -> None:
    assert not Job("-", "t", {0: 7}, tmp_path, tmp_path).is_endless


def test_latencies_of_several_minutes_are_added_up() -> None:
    assert merged([{0.5: 2, 1.0: 1}, {1.0: 3}]) == {0.5: 2, 1.0: 4}
