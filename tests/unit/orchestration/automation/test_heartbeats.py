"""Who is silent is told by beats that no longer change, never by two clocks that are compared."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.automation import heartbeats
from orchestration.automation.heartbeats import KEPT, LATE_SECONDS, SILENT_SECONDS, Listener, beat, beating, beats_in


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_beat_changes_its_own_value_and_no_other(instance: dg.DagsterInstance) -> None:
    beat(instance, "a")
    beat(instance, "b")
    before = beats_in(instance)
    beat(instance, "a")
    after = beats_in(instance)
    assert after["b"] == before["b"]
    assert after["a"] != before["a"]


def test_only_the_newest_are_kept(instance: dg.DagsterInstance) -> None:
    for number in range(KEPT + 5):
        beat(instance, str(number))
    assert list(beats_in(instance)) == [str(number) for number in range(5, KEPT + 5)]


def test_a_run_beats_as_long_as_the_block_lasts(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "BEAT_SECONDS", 0.001)
    values, enough = set[str](), threading.Event()

    def noted(_: dg.DagsterInstance, run_id: str) -> None:
        values.add(f"{run_id} {len(values)}")
        if len(values) == 3:
            enough.set()
            raise RuntimeError("a storage that is away for a moment")

    monkeypatch.setattr(heartbeats, "beat", noted)
    with beating(instance, "a"):
        assert enough.wait(30)
    assert not [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


def test_who_changes_is_alive_and_who_stays_the_same_for_long_enough_is_silent() -> None:
    clock = Clock()
    listener = Listener(clock)
    for number in range(int(SILENT_SECONDS / 5)):
        assert listener.silent({"alive": str(number), "dead": "1"}) == set()
        clock.now += 5
    assert listener.silent({"alive": "last", "dead": "1"}) == {"dead"}


def test_who_looked_away_for_long_begins_anew() -> None:
    clock = Clock()
    listener = Listener(clock)
    assert listener.silent({"a": "1"}) == set()
    clock.now += SILENT_SECONDS + LATE_SECONDS
    assert listener.silent({"a": "1"}) == set(), "the storage may have been away: nobody could beat"
    for _ in range(int(SILENT_SECONDS / 5)):
        clock.now += 5
        found = listener.silent({"a": "1"})
    assert found == {"a"}


def test_a_run_beats_from_its_thread_into_a_storage_on_disk(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as stored:
        with beating(stored, "a"):
            deadline = time.monotonic() + 30
            while "a" not in beats_in(stored):
                assert time.monotonic() < deadline
        beat(stored, "b")
        assert beats_in(stored).keys() == {"a", "b"}
