"""What becomes of each quantity with the number of batches: a line, its error, a table and a plot.

Belongs here: arithmetic on samples, and how it is shown. Does not belong here: sampling (soak).
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.harness.figures import measured, table

EVENTS_A_BATCH = 20
BATCHES_A_WEEK = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Sample:
    """What was there after so many batches: quantities by name."""

    batches: int
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class Trend:
    """A line through the samples after the first tenth: change in 1,000 batches, with its standard error."""

    first: float
    last: float
    slope: float
    error: float


def trend(points: Sequence[tuple[int, float]]) -> Trend | None:
    """The least-squares line; None where there are too few points for its error."""
    if len(points) < 3:
        return None
    count = len(points)
    xs, ys = [batches / 1000 for batches, _ in points], [value for _, value in points]
    middle, mean = statistics.fmean(xs), statistics.fmean(ys)
    spread = sum((x - middle) ** 2 for x in xs)
    slope = sum((x - middle) * (y - mean) for x, y in zip(xs, ys, strict=True)) / spread
    rest = sum((y - mean - slope * (x - middle)) ** 2 for x, y in zip(xs, ys, strict=True))
    return Trend(ys[0], ys[-1], slope, (rest / (count - 2) / spread) ** 0.5)


def settled(samples: Sequence[Sample]) -> dict[str, list[tuple[int, float]]]:
    """Each quantity after the first tenth of the batches."""
    first = samples[-1].batches / 10
    names = list(dict.fromkeys(name for sample in samples for name in sample.values))
    kept = [sample for sample in samples if sample.batches > first]
    return {name: [(one.batches, one.values[name]) for one in kept if name in one.values] for name in names}


def trends_table(samples: Sequence[Sample], builds: int, keep: timedelta) -> str:
    """Trends as Markdown; a week is 604,800 batches, one a second."""
    rows = [
        [
            name,
            f"{found.first:,.2f}",
            f"{found.last:,.2f}",
            f"{found.slope:+,.2f} ± {found.error:,.2f}",
            f"{found.slope * BATCHES_A_WEEK / 1000:+,.0f}",
        ]
        for name, points in settled(samples).items()
        if (found := trend(points))
    ]
    how = (
        f", {samples[-1].batches:,} batches of {EVENTS_A_BATCH} payments and {builds} builds one after the other, "
        f"{keep.total_seconds() / 60:g} minutes kept"
    )
    return measured(how) + table(["quantity", "after a tenth", "at the end", "in 1,000 batches", "in a week"], rows)


def plot(samples: Sequence[Sample], path: Path) -> None:
    """Every quantity against the number of batches, those of one unit together."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "payments"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 5, figsize=(20, 3.5))
    units = {"files": axes[0], "MiB": axes[1], "memory MiB": axes[2], "open files": axes[3], "seconds": axes[4]}
    for name in samples[-1].values:
        what, _, unit = name.rpartition(", ")
        points = [(one.batches, one.values[name]) for one in samples if name in one.values]
        units[unit].plot(*zip(*points, strict=True), label=what)
    for unit, axis in units.items():
        axis.set(title=f"{unit} on disk" if unit in ("files", "MiB") else unit, xlabel="batches", ylim=(0, None))
        axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)
