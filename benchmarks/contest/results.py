"""What the contest came to: medians, the table, the plot, benchmarks/latest.json.

Belongs here: the form of results. Does not belong here: measuring (bench, contest).
"""

import json
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.harness.figures import ROOT, measured, shown, table, write_table

LATEST = ROOT / "benchmarks" / "latest.json"
PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "performance.svg"
OURS = "payments"
COLUMNS = [
    "",
    "events/s",
    "ours is so many times as fast",
    "CPU s per million",
    "broker's beside it",
    "cold start s",
    "peak MiB",
    "state, bytes a key",
    "on disk at most",
    "p95 latency s",
    "exact",
    "recovery s",
    "after a kill",
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one contender did; None where it was not measured or there is none.

    CPU is the contender's own with all its children, and the warehouse's for ours; the broker's stands apart. Cold is
    from the start of the process to the end of a topic of 20,000 records; speed and CPU are of what comes after.
    After a kill: `recovery_seconds` from the second start to its first durable result; `after_kill` is the end result.
    """

    name: str
    title: str
    lacks: str
    events_per_second: float
    cpu_seconds_per_million: float
    broker_cpu_seconds_per_million: float
    cold_start_seconds: float
    cold_cpu_seconds: float
    peak_memory_bytes: int
    state_bytes_per_key: float | None
    disk_bytes_per_key: float | None
    exact: bool | None
    p95_latency_seconds: float | None = None
    recovery_seconds: float | None = None
    exact_after_kill: bool | None = None
    after_kill: str = ""


def median(outcomes: list[Outcome]) -> Outcome:
    """The outcome whose every number is the median of all; exact only where all were."""

    def middle(number: Callable[[Outcome], float]) -> float:
        return statistics.median(number(outcome) for outcome in outcomes)

    def middle_if_any(number: Callable[[Outcome], float | None]) -> float | None:
        there = [value for outcome in outcomes if (value := number(outcome)) is not None]
        return statistics.median(there) if there else None

    return replace(
        outcomes[0],
        events_per_second=middle(lambda o: o.events_per_second),
        cpu_seconds_per_million=middle(lambda o: o.cpu_seconds_per_million),
        broker_cpu_seconds_per_million=middle(lambda o: o.broker_cpu_seconds_per_million),
        cold_start_seconds=middle(lambda o: o.cold_start_seconds),
        cold_cpu_seconds=middle(lambda o: o.cold_cpu_seconds),
        peak_memory_bytes=round(middle(lambda o: o.peak_memory_bytes)),
        state_bytes_per_key=middle_if_any(lambda o: o.state_bytes_per_key),
        disk_bytes_per_key=middle_if_any(lambda o: o.disk_bytes_per_key),
        p95_latency_seconds=middle_if_any(lambda o: o.p95_latency_seconds),
        exact=all(o.exact for o in outcomes),
    )


def line(outcome: Outcome) -> str:
    """One run, for whoever waits."""
    return (
        f"{outcome.name:12} {outcome.events_per_second:10,.0f} events/s  "
        f"{outcome.cpu_seconds_per_million:6.1f} CPU s/million  cold {outcome.cold_start_seconds:5.1f} s  "
        f"{outcome.peak_memory_bytes / 2**20:6,.0f} MiB  {'exact' if outcome.exact else 'NOT EXACT'}"
    )


def outcomes_table(outcomes: list[Outcome], missing: list[str], events: int, rounds: int, rate: float) -> str:
    """All outcomes as Markdown, with how many times ours is as fast as each."""
    ours = next((outcome for outcome in outcomes if outcome.name == OURS), None)
    how = (
        f" that the broker shares; {events:,} events, {rounds} round{'s' if rounds > 1 else ''}, medians. "
        f"Latency: paced at {rate:,.0f} events/s"
    )
    parts = [
        measured(how) + table(COLUMNS, [_cells(outcome, ours) for outcome in outcomes]),
        table(["", "what it guarantees less"], [[outcome.title, outcome.lacks] for outcome in outcomes]),
        *(f"Left out: {reason}\n" for reason in missing),
    ]
    return "\n".join(parts)


def _cells(outcome: Outcome, ours: Outcome | None) -> list[str]:
    ratio = "" if ours is None else f"{ours.events_per_second / outcome.events_per_second:.2f}"
    return [
        outcome.title,
        shown(outcome.events_per_second),
        ratio,
        shown(outcome.cpu_seconds_per_million),
        shown(outcome.broker_cpu_seconds_per_million),
        shown(outcome.cold_start_seconds),
        shown(outcome.peak_memory_bytes / 2**20),
        _if_any(outcome.state_bytes_per_key),
        _if_any(outcome.disk_bytes_per_key),
        _if_any(outcome.p95_latency_seconds),
        "yes" if outcome.exact else "**no**",
        _if_any(outcome.recovery_seconds),
        f"**{outcome.after_kill}**" if outcome.exact_after_kill is False else outcome.after_kill,
    ]


def _if_any(value: float | None) -> str:
    return "" if value is None else shown(value)


def plot(outcomes: list[Outcome], path: Path) -> None:
    """Speed and CPU of each contender as bars, side by side."""
    import matplotlib as mpl

    mpl.use("svg")
    # Same numbers, same bytes: no random ids, no date.
    mpl.rcParams["svg.hashsalt"] = "payments"
    from matplotlib import pyplot as plt

    names = [outcome.name for outcome in outcomes][::-1]
    colours = ["tab:blue" if name == OURS else "tab:gray" for name in names]
    panels = {
        "events per second": [o.events_per_second for o in outcomes][::-1],
        "CPU seconds per million events": [o.cpu_seconds_per_million for o in outcomes][::-1],
    }
    figure, axes = plt.subplots(1, len(panels), figsize=(10, 0.5 * len(names) + 1), sharey=True)
    for axis, (title, values) in zip(axes, panels.items(), strict=True):
        bars = axis.barh(names, values, color=colours)
        axis.bar_label(bars, labels=[shown(value) for value in values], padding=3)
        axis.set_title(title, fontsize=10)
        axis.set_xlim(0, 1.2 * max(values))
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)


def keep(outcomes: list[Outcome], missing: list[str], events: int, rounds: int, rate: float) -> None:
    """Write everything down: for programs, for readers, and as a picture."""
    LATEST.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=2) + "\n")
    write_table(PAGE, "peers", outcomes_table(outcomes, missing, events, rounds, rate))
    plot(outcomes, PLOT)
