"""A contender killed in the middle of its work and started again: how soon there is a new result, and a right one.

Usage: python -m benchmarks.contest.recovery [--events N] [--only NAME ...]. Prints; `make bench` does the same and
keeps it. Belongs here: the kill, and what is measured after it. Does not belong here: how a contender runs
(contest), what is true (oracle). A result is durable once a reader of the warehouse, of the Delta log or of the
output folder would see it. Everyone starts cold, with its own state: nobody has a standby here.
"""

import argparse
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import duckdb

from benchmarks.contest import contest, oracle
from benchmarks.contest.arena import Arena, arena
from benchmarks.contest.contest import CONTENDERS, Contender, Failed
from spark_jobs.settings import JobSettings, payments_home
from spark_jobs.warehouse.client import connect

EVENTS = 1_600_000
"""Two full batches of stock Spark: of a second one with few records it may be done before it is killed."""
_POLL_SECONDS = 0.25
_INTO_THE_NEXT_SECONDS = 1.0
_SETTLE_SECONDS = 1.0
_QUIET_SECONDS = 3.0
_STUCK_SECONDS = 120.0

Results = Callable[[], Hashable]
"""What is durable; it changes with each new result."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of a kill. `seconds` is from the second start to its first durable result; `said`: for readers."""

    seconds: float | None
    is_exact: bool | None
    message: str


NO_RECOVERY = Recovery(None, None, "no recovery")
"""Of who keeps no checkpoint."""


def measure(
    events: int, contenders: list[Contender], timeout_seconds: float, on_done: Callable[[Contender, str], None]
) -> tuple[dict[str, Recovery], list[str]]:
    """Each contender's recovery by its name, and why any is missing.

    Args:
        events: of a topic of their own: enough for several batches or checkpoints of each.
        contenders: who is killed, once each.
        timeout_seconds: for each of the two lives.
        on_done: told of each contender and what became of it.
    """
    found: dict[str, Recovery] = {}
    missing: list[str] = []
    with arena(events) as ready:
        for contender in contenders:
            try:
                found[contender.name] = _recovery(ready, contender, timeout_seconds)
            except Failed as failure:
                missing.append(f"{contender.name}, killed and started again: {failure}")
                on_done(contender, missing[-1])
            else:
                on_done(contender, line(found[contender.name]))
    return found, missing


def _recovery(ready: Arena, contender: Contender, timeout_seconds: float) -> Recovery:
    if not contender.has_checkpoint:
        return NO_RECOVERY
    folder = ready.folder / f"{contender.name}-killed"
    folder.mkdir()
    settings, output = replace(ready.settings, dataset="killed"), folder / "full" / "output"
    life = partial(
        contest.started,
        contender,
        ready.task,
        folder,
        payments_home(),
        env=ready.environment(contender, settings),
        is_again=True,
        timeout_seconds=timeout_seconds,
    )

    def judge() -> Recovery:
        return judged(lambda: ready.truth.difference(ready.found(contender, settings, output)))

    with durable(contender, settings, output) as results:
        nothing = results()
        with life() as child:
            listener = Listener(child)
            await_new(listener, results, nothing)
            time.sleep(_INTO_THE_NEXT_SECONDS)
            listener.require_alive(contender.name)
        # A statement that was sent before the kill may still be done after it.
        time.sleep(_SETTLE_SECONDS)
        before, began = results(), time.monotonic()
        with life() as child:
            listener = Listener(child)
            await_new(listener, results, before)
            seconds = time.monotonic() - began
            await_end(listener, results, lambda: judge().is_exact is True)
        recovery = replace(judge(), seconds=seconds)
    shutil.rmtree(folder, ignore_errors=True)
    return recovery


def judged(difference: Callable[[], str]) -> Recovery:
    """A recovery, by what is wrong with the result after it; half a file that nobody replaced cannot be read."""
    try:
        wrong = difference()
    except duckdb.Error:
        wrong = "a file that cannot be read"
    return Recovery(None, not wrong, wrong or "exact")


@contextmanager
def durable(contender: Contender, settings: JobSettings, output: Path) -> Iterator[Results]:
    """A look at a contender's durable results, the same as a reader of them has."""
    if contender.output != "warehouse":
        yield lambda: files_seen(contender.output, output)
        return
    with connect(settings) as client:
        yield lambda: oracle.published(client, settings)


def files_seen(kind: str, output: Path) -> Hashable:
    """The finished files of a folder, and when each was written: some engines write one anew after a crash."""
    seen = set()
    for path in oracle.files(kind, output):
        with suppress(FileNotFoundError):
            seen.add((path, path.stat().st_mtime_ns))
    return frozenset(seen)


class Listener(threading.Thread):
    """Waits for a contender's word that it is done."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        super().__init__(daemon=True)
        self.failure: Failed | None = None
        self._child = child
        self.start()

    def run(self) -> None:
        """Until it is done, or dead."""
        try:
            contest.await_phase(self._child, "done")
        except Failed as failure:
            self.failure = failure

    def wait(self) -> None:
        """Until it is done. Raises Failed where it dies."""
        self.join()
        if self.failure:
            raise self.failure

    def require_alive(self, name: str) -> None:
        """Raise Failed where there is nothing left to be killed."""
        if not self.is_alive():
            raise self.failure or Failed(f"{name} was done before it could be killed: let there be more events.")


def await_new(listener: Listener, results: Results, before: Hashable) -> None:
    """Wait until there is a result that was not there before.

    Raises:
        Failed: the contender died first, or came to its end without one.
    """
    while results() == before:
        listener.join(_POLL_SECONDS)
        if not listener.is_alive() and results() == before:
            raise listener.failure or Failed("it came to its end without a new result.")


def await_end(
    listener: Listener, results: Results, is_complete: Callable[[], bool], stuck_seconds: float = _STUCK_SECONDS
) -> None:
    """Wait until the contender says that it is done, or has no more to do.

    A bounded Kafka source of Flink never ends once it was restored. Raises Failed where the contender dies.

    Args:
        listener: to the contender.
        results: what is durable.
        is_complete: whether nothing is missing; asked when there was nothing new for a while.
        stuck_seconds: without anything new it is taken to be done after so long.
    """
    seen, asked, since = results(), None, time.monotonic()
    while listener.is_alive():
        listener.join(_POLL_SECONDS)
        if (now := results()) != seen:
            seen, since = now, time.monotonic()
        quiet_seconds = time.monotonic() - since
        if quiet_seconds >= stuck_seconds:
            return
        if quiet_seconds >= _QUIET_SECONDS and seen != asked:
            asked = seen
            if is_complete():
                return
    listener.wait()


def line(recovery: Recovery) -> str:
    """One kill, for whoever waits."""
    return recovery.message if recovery.seconds is None else f"{recovery.seconds:6.1f} s  {recovery.message}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--only", nargs="*", choices=[contender.name for contender in CONTENDERS])
    options = parser.parse_args()
    contenders = [c for c in CONTENDERS if not options.only or c.name in options.only]
    measure(options.events, contenders, 300, lambda who, message: print(f"{who.name:12} {message}", flush=True))  # noqa: T201


if __name__ == "__main__":
    main()
