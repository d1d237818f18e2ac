"""The deduplication state by the number of live ids: time of a batch, bytes, memory; and forgetting, over a day.

Usage: python -m benchmarks.measurements.state [--keys N] [--hours N] [--dry]. Writes three tables and a plot into
docs/performance.md, and figures. Belongs here: the job's own tagging and state code, given ids that nobody sent, on a
clock that only pretends; the files are written and synced as ever. Does not belong here: Spark, which keeps the few
kilobytes that name the files.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import batched
from pathlib import Path

import numpy as np

from benchmarks.harness.figures import ROOT, keep, measured, table, write_table
from benchmarks.harness.processes import folder_bytes
from spark_jobs.contract.payment_event import WATERMARK_MICROSECONDS
from spark_jobs.deduplication.dispositions import Candidates, tag
from spark_jobs.deduplication.id_keys import keys_of
from spark_jobs.deduplication.segment_files import LocalSegments
from spark_jobs.deduplication.state import DedupState
from spark_jobs.settings import read_job_settings

PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "state.svg"
BUCKETS = read_job_settings({}).state_buckets
BATCH_SECONDS = 10
DAY_BATCH_SECONDS = 60
LOOKBACK_RATE = 200
"""Events a second of the third table: of more, days would not fit a small disk."""
BATCH_OF_50_000 = 250
"""Seconds, at that rate."""
SECOND = 1_000_000
RETRY_SHARE = 0.02
POINTS = 12
FILLING_HOURS = 1.03
"""A little over the window: retries bring no new ids."""
_START = 1_800_000_000 * SECOND


@dataclass(frozen=True, slots=True)
class Point:
    """The state after a batch, all buckets together; `disk_bytes` holds what is kept for older batches too."""

    hours: float
    keys: int
    batch_seconds: float
    state_bytes: int
    disk_bytes: int
    memory_bytes: int


class Stream:
    """Batches of a pretended stream: so many ids a second, a few of the batch before once more.

    With a look-back of so many days, each batch also asks for its new ids among those of the days before.
    """

    def __init__(
        self,
        folder: Path,
        rate: int,
        batch_seconds: int,
        lookback_days: float = 0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.folder = folder
        self._clock = clock
        self.lookback = round(lookback_days * 24 * 3600) * SECOND
        self._states = [DedupState() for _ in range(BUCKETS)]
        self._stores = [LocalSegments(folder / str(bucket)) for bucket in range(BUCKETS)]
        self._rng = np.random.default_rng(1)
        self._size = rate * batch_seconds // BUCKETS
        self._step = batch_seconds * SECOND
        self._now = _START
        self._before = [b""] * BUCKETS

    @property
    def kept(self) -> int:
        """How many ids of the look-back there are."""
        return sum(day.count for state in self._states for day in state.days)

    def seconds_of_batches(self, hours: float) -> Iterator[float]:
        """The time of each batch, until the pretended clock has gone on for so long."""
        last = _START + round(hours * 3600) * SECOND
        while self._now < last:
            self._now += self._step
            yield sum(self._batch(bucket) for bucket in range(BUCKETS))

    def run(self, hours: float) -> Iterator[Point]:
        """One point per batch, until the pretended clock has gone on for so long. Files are counted now and then."""
        for seconds in self.seconds_of_batches(hours):
            yield Point(
                hours=(self._now - _START) / 3600 / SECOND,
                keys=sum(state.key_count for state in self._states),
                batch_seconds=seconds,
                state_bytes=sum(state.size_bytes for state in self._states),
                disk_bytes=folder_bytes(self.folder),
                memory_bytes=_own_memory(),
            )

    def _batch(self, bucket: int) -> float:
        again = self._before[bucket][: 16 * round(RETRY_SHARE * self._size)]
        fresh = self._rng.bytes(16 * self._size - len(again))
        candidates = self._candidates(again + fresh)
        self._before[bucket] = fresh
        began = self._clock()
        before, store = self._states[bucket], self._stores[bucket]
        tags, after = tag(candidates, before, self._now, WATERMARK_MICROSECONDS, store, self.lookback)
        days = before.days_with(candidates.keys[tags == 0], store)
        seconds = self._clock() - began
        if np.count_nonzero(tags == 0) != len(fresh) // 16 or days:
            raise AssertionError("an id that was never sent is known, or one that was sent is not")
        self._states[bucket] = after
        return seconds

    def _candidates(self, hashes: bytes) -> Candidates:
        count = len(hashes) // 16
        return Candidates(
            keys=keys_of(hashes),
            is_valid=np.ones(count, dtype=bool),
            is_ignored=np.zeros(count, dtype=bool),
            event_time=self._now - self._rng.integers(0, self._step, count),
            partition=np.zeros(count, dtype=np.int32),
            offset=np.arange(count, dtype=np.int64),
        )


def _own_memory() -> int:
    """Memory of this process that is not a file's: mapped segments are the page cache's to drop."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


def condensed(points: list[Point], count: int = POINTS) -> list[Point]:
    """At most so many: each stands at the end of its stretch, with the median time of the batches in it."""
    size = -(-len(points) // count)
    stretches = [list(stretch) for stretch in batched(points, size, strict=False)]
    return [
        Point(
            hours=stretch[-1].hours,
            keys=stretch[-1].keys,
            batch_seconds=statistics.median(point.batch_seconds for point in stretch),
            state_bytes=stretch[-1].state_bytes,
            disk_bytes=stretch[-1].disk_bytes,
            memory_bytes=max(point.memory_bytes for point in stretch),
        )
        for stretch in stretches
    ]


def points_table(points: list[Point], rate: int, batch_seconds: int) -> str:
    """Points as Markdown."""
    rows = [
        [
            f"{point.hours:.2f}",
            f"{point.keys:,}",
            f"{point.batch_seconds * 1000:.0f}",
            f"{point.state_bytes / max(point.keys, 1):.1f}",
            f"{point.disk_bytes / 1e6:,.0f}",
            f"{point.memory_bytes / 1e6:,.0f}",
        ]
        for point in points
    ]
    how = (
        f", of which one is used; {rate:,} events/s, a batch every {batch_seconds} s of pretended time, "
        f"{BUCKETS} buckets one after the other"
    )
    columns = ["hour", "live ids", "batch ms, median", "state, bytes an id", "on disk MB", "own memory MB"]
    return measured(how) + table(columns, rows)


def plot(filling: list[Point], day: list[Point], path: Path) -> None:
    """Batch time and bytes against live ids; live ids over the day."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "payments"
    from matplotlib import pyplot as plt

    figure, (times, sizes, hours) = plt.subplots(1, 3, figsize=(12, 3))
    millions = [point.keys / 1e6 for point in filling]
    times.plot(millions, [point.batch_seconds * 1000 for point in filling], marker="o")
    times.set(title="milliseconds a batch", xlabel="million live ids", ylim=(0, None))
    sizes.plot(millions, [point.state_bytes / 1e6 for point in filling], marker="o")
    sizes.set(title="megabytes of state", xlabel="million live ids", ylim=(0, None))
    hours.plot([point.hours for point in day], [point.keys / 1e6 for point in day], marker=".")
    hours.set(title="million live ids over a day", xlabel="hour", ylim=(0, None))
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)


@dataclass(frozen=True, slots=True)
class LookBack:
    """A batch against the hour alone, and against days before it; `mean` has the merging of files in it."""

    days: float
    kept: int
    median: float
    mean: float
    bytes_an_id: float


def look_back(days: float, rate: int, batch_seconds: int, hours: float) -> LookBack:
    """CPU time of the last two hours' batches; bytes an id are those of all that is on disk."""
    with tempfile.TemporaryDirectory() as folder:
        stream = Stream(Path(folder), rate, batch_seconds, days, time.process_time)
        seconds = list(stream.seconds_of_batches(hours))[-7200 // batch_seconds :]
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.keys"))
        return LookBack(
            days, stream.kept, statistics.median(seconds), statistics.mean(seconds), size / max(stream.kept, 1)
        )


def look_back_table(points: list[LookBack], rate: int, batch_seconds: int) -> str:
    """Both, as Markdown."""
    rows = [
        [
            f"{point.days:g}",
            f"{point.kept:,}",
            f"{point.median * 1000:.0f}",
            f"{point.median / points[0].median:.2f}",
            f"{point.mean * 1000:.0f}",
            f"{point.mean / points[0].mean:.2f}",
            f"{point.bytes_an_id:.1f}" if point.kept else "",
        ]
        for point in points
    ]
    how = f", of which one is used; {rate:,} events/s, a batch of {rate * batch_seconds:,} ids, {BUCKETS} buckets"
    columns = [
        "days of look-back",
        "ids kept",
        "CPU ms of a batch, median",
        "ratio",
        "mean",
        "ratio",
        "bytes on disk an id",
    ]
    return measured(how) + table(columns, rows)


def figures(filled: Point, batch: int, day: Point, day_batch: int) -> dict[str, float | int | str]:
    """What the docs name of the greatest state and of a day's; `batch`, `day_batch`: how many ids each batch has."""
    return {
        "state_keys": filled.keys,
        "state_megabytes": filled.state_bytes / 1e6,
        "state_bytes_per_key": filled.state_bytes / filled.keys,
        "state_microseconds_an_id": filled.batch_seconds / batch * 1e6,
        "state_day_keys": day.keys,
        "state_day_microseconds_an_id": day.batch_seconds / day_batch * 1e6,
    }


def measure(rate: int, batch_seconds: int, hours: float) -> list[Point]:
    """All points of a stream, in a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        return list(Stream(Path(folder), rate, batch_seconds).run(hours))


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=36_000_000, help="live ids to reach, within an hour")
    parser.add_argument("--day-rate", type=int, default=1_000, help="events a second over the pretended day")
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--lookback-days", type=float, default=3.5, help="of the third table; 0 leaves it out")
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    options = parser.parse_args()
    rate = options.keys // 3600
    filling, day = (
        condensed(measure(rate, BATCH_SECONDS, FILLING_HOURS)),
        condensed(measure(options.day_rate, DAY_BATCH_SECONDS, options.hours), 24),
    )
    tables = {
        "state": points_table(filling, rate, BATCH_SECONDS),
        "day": points_table(day, options.day_rate, DAY_BATCH_SECONDS),
    }
    if options.lookback_days:
        hours = 24 * options.lookback_days + FILLING_HOURS
        points = [
            look_back(days, LOOKBACK_RATE, BATCH_OF_50_000, hours if days else 12)
            for days in (0, options.lookback_days)
        ]
        tables["lookback"] = look_back_table(points, LOOKBACK_RATE, BATCH_OF_50_000)
    for name, shown in tables.items():
        print(shown)  # noqa: T201 - this is a command
        if not options.dry:
            write_table(PAGE, name, shown)
    if not options.dry:
        plot(filling, day, PLOT)
        keep(figures(filling[-1], rate * BATCH_SECONDS, day[-1], options.day_rate * DAY_BATCH_SECONDS))


if __name__ == "__main__":
    main()
