"""Heartbeats of runs, in Dagster's own storage: who dies on another machine is told by its silence.

Belongs here: beating, and noticing who is silent. Does not belong here: the lock that tells of a process on this
machine at once (workers). No clock is compared with another's: a beat is a value that changes, and who listens times
its silence by a clock of its own.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg

BEAT_SECONDS = 10.0
SILENT_SECONDS = 60.0
LATE_SECONDS = 30.0
"""Who looks so late may itself have been away, or the storage: what it saw before counts for nothing."""
KEPT = 32
"""The newest so many are kept: more runs are never in flight."""

_KEY = "payments/heartbeats"

log = logging.getLogger(__name__)


@contextmanager
def beating(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Beat for a run, from a thread, as long as the block lasts."""
    ended = threading.Event()
    thread = threading.Thread(target=_beat, args=(instance, run_id, ended), daemon=True, name="heartbeat")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def beat(instance: dg.DagsterInstance, run_id: str) -> None:
    """Once. A beat of another that is lost because both wrote at once comes again with its next."""
    others = {run: value for run, value in beats_in(instance).items() if run != run_id}
    kept = dict([*others.items(), (run_id, str(time.time_ns()))][-KEPT:])
    instance.daemon_cursor_storage.set_cursor_values({_KEY: json.dumps(kept)})


def beats_in(instance: dg.DagsterInstance) -> dict[str, str]:
    """The last beat of each run, by its id."""
    kept = instance.daemon_cursor_storage.get_cursor_values({_KEY}).get(_KEY)
    found: dict[str, str] = json.loads(kept) if kept else {}
    return found


def _beat(instance: dg.DagsterInstance, run_id: str, ended: threading.Event) -> None:
    while True:
        try:
            beat(instance, run_id)
        except Exception:
            log.warning("the heartbeat of run %s could not be written; the next one is tried", run_id, exc_info=True)
        if ended.wait(BEAT_SECONDS):
            return


@dataclass
class Listener:
    """Notices who is silent, look by look."""

    clock: Callable[[], float] = time.monotonic
    _heard: dict[str, tuple[str, float]] = field(default_factory=dict, init=False)
    _looked_at: float | None = field(default=None, init=False)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, init=False)

    def silent(self, beats: Mapping[str, str]) -> set[str]:
        """Runs whose beat was the same at every look of the last SILENT_SECONDS."""
        with self._one_at_a_time:
            now = self.clock()
            if self._looked_at is None or now - self._looked_at > LATE_SECONDS:
                self._heard.clear()
            self._looked_at = now
            before = self._heard
            self._heard = {
                run: before[run] if run in before and before[run][0] == value else (value, now)
                for run, value in beats.items()
            }
            return {run for run, (_, since) in self._heard.items() if now - since >= SILENT_SECONDS}
