"""What a batch costs whatever is in it, a second of standing by, and an event: least squares over all batches.

Belongs here: the arithmetic on measured batches, and their table. Does not belong here: measuring (rates.py).
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

import numpy as np
import numpy.typing as npt

from benchmarks.figures import shown

TERMS = 3
TOLERANCE = 0.1
"""How far apart costs may be that are called constant: the greatest by so much above the least."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A published batch: its records, their latency, and the seconds and CPU seconds since the batch before."""

    records: int
    seconds: float
    cpu_seconds: float
    p95_seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """A rate in payments a second for `seconds`, batches `every_seconds` apart at least; backlogs are in records.

    `cpu_seconds` is ours from the first record to the last one published, waiting included.
    """

    rate: int
    every_seconds: float
    seconds: float
    batches: tuple[Batch, ...]
    cpu_seconds: float
    broker_cpu_seconds: float
    half_way_backlog: int
    last_backlog: int

    @property
    def records(self) -> int:
        """All that was sent."""
        return sum(batch.records for batch in self.batches)

    @property
    def cpu_per_million(self) -> float:
        """The whole cost of a million events."""
        return self.cpu_seconds / self.records * 1e6

    def line(self) -> str:
        """One trial, for whoever waits."""
        return (
            f"{self.rate:7,}/s  every {self.every_seconds:.0f} s  {len(self.batches):4} batches  "
            f"{self.cpu_per_million:7.1f} CPU s/million  backlog {self.half_way_backlog:,} then {self.last_backlog:,}"
        )


def together(trials: list[Trial]) -> list[Trial]:
    """Rounds of the same rate and gap as one trial each; backlogs are the greatest."""

    def kind(trial: Trial) -> tuple[int, float]:
        return trial.rate, trial.every_seconds

    joined = []
    for (rate, every), rounds in groupby(sorted(trials, key=kind), key=kind):
        members = list(rounds)
        joined.append(
            Trial(
                rate,
                every,
                sum(trial.seconds for trial in members),
                tuple(batch for trial in members for batch in trial.batches),
                sum(trial.cpu_seconds for trial in members),
                sum(trial.broker_cpu_seconds for trial in members),
                max(trial.half_way_backlog for trial in members),
                max(trial.last_backlog for trial in members),
            )
        )
    return joined


@dataclass(frozen=True, slots=True)
class Line:
    """CPU seconds of a batch whatever is in it, of each second that passes, and of each million events.

    `covariance` is that of these three, in this order.
    """

    per_batch: float
    per_second: float
    per_million: float
    covariance: npt.NDArray[np.float64]

    @property
    def errors(self) -> tuple[float, float, float]:
        """Their standard errors."""
        batch, second, million = np.sqrt(np.diag(self.covariance)).tolist()
        return batch, second, million

    def own(self, trials: list[Trial]) -> tuple[float, float]:
        """What events cost beside batches and time, CPU seconds per million, and how far that may be off."""
        millions = sum(trial.records for trial in trials) / 1e6
        batches = [batch for trial in trials for batch in trial.batches]
        beside = np.array([len(batches), sum(batch.seconds for batch in batches)])
        cpu = sum(trial.cpu_seconds for trial in trials)
        off = float(np.sqrt(beside @ self.covariance[:2, :2] @ beside))
        return (cpu - float(beside @ [self.per_batch, self.per_second])) / millions, off / millions


def line_through(trials: list[Trial]) -> Line:
    """The least-squares line over the batches of all trials, but for the first of each, as the traffic starts with it.

    A batch's error is taken to be a share of its cost, so that the largest ones do not decide alone. Raises ValueError
    for fewer than four batches.
    """
    batches = [batch for trial in trials for batch in trial.batches[1:]]
    if len(batches) <= TERMS:
        raise ValueError(f"{len(batches)} batches are too few for a line: let each rate go on for longer.")
    cpu = np.array([batch.cpu_seconds for batch in batches])
    weights = 1 / np.maximum(cpu, 0.01)
    design = np.array([[1.0, batch.seconds, batch.records / 1e6] for batch in batches]) * weights[:, None]
    found, *_ = np.linalg.lstsq(design, cpu * weights, rcond=None)
    variance = float(np.sum((design @ found - cpu * weights) ** 2)) / (len(batches) - TERMS)
    per_batch, per_second, per_million = found.tolist()
    return Line(per_batch, per_second, per_million, variance * np.linalg.pinv(design.T @ design))


def table(trials: list[Trial]) -> str:
    """One row for each trial, as Markdown, and what they come to."""
    line, rounds = line_through(trials), together(trials)
    lines = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores that sender, broker and warehouse share; "
        f"each rate for {max(trial.seconds for trial in rounds):.0f} s.",
        "",
        "| payments/s offered | a batch | batches | records a batch | behind half way, s | behind at the end, s "
        "| p95 latency s | CPU s per million | of it batches and time | the events' own | broker's beside it |",
        "|---" * 11 + "|",
        *(_row(trial, line) for trial in rounds),
        "",
        verdict(rounds, line),
    ]
    return "\n".join(lines) + "\n"


def _row(trial: Trial, line: Line) -> str:
    own, error = line.own([trial])
    cells = [
        f"{trial.rate:,}",
        f"every {trial.every_seconds:g} s" if trial.every_seconds else "at once",
        str(len(trial.batches)),
        f"{trial.records / len(trial.batches):,.0f}",
        shown(trial.half_way_backlog * trial.seconds / trial.records),
        shown(trial.last_backlog * trial.seconds / trial.records),
        shown(max(batch.p95_seconds for batch in trial.batches)),
        shown(trial.cpu_per_million),
        shown(trial.cpu_per_million - own),
        f"{shown(own)} ± {shown(error)}",
        shown(trial.broker_cpu_seconds / trial.records * 1e6),
    ]
    return f"| {' | '.join(cells)} |"


def verdict(trials: list[Trial], line: Line) -> str:
    """Whether an event's own cost is constant, in sentences with figures: by the rates at which it is known well."""
    by_rate = {rate: line.own([t for t in trials if t.rate == rate]) for rate in sorted({t.rate for t in trials})}
    known = {rate: own for rate, (own, error) in by_rate.items() if error <= TOLERANCE * own}
    unknown = [f"{shown(by_rate[r][0])} ± {shown(by_rate[r][1])} at {r:,}/s" for r in by_rate if r not in known]
    batch, second, million = line.errors
    sentences = [
        f"By a least-squares line, a batch costs {shown(line.per_batch)} ± {shown(batch)} CPU s whatever is in it, "
        f"a second of standing by {shown(line.per_second)} ± {shown(second)}, and a million events "
        f"{shown(line.per_million)} ± {shown(million)}."
    ]
    if len(known) > 1:
        sentences.append(f"Without these, a million events cost {_span(known)}.")
        steady = _steady(known)
        if 1 < len(steady) < len(known):
            sentences.append(f"Of rates from {min(steady):,}/s on, {_span(steady)}.")
    if unknown:
        sentences.append(f"Batches that hold too little to tell: {', '.join(unknown)}.")
    return " ".join(sentences)


def _steady(costs: dict[int, float]) -> dict[int, float]:
    """The costs from the least rate on from which they are constant."""
    ends = ({r: cost for r, cost in costs.items() if r >= rate} for rate in sorted(costs))
    return next(end for end in ends if _apart(end) <= TOLERANCE)


def _apart(costs: dict[int, float]) -> float:
    return max(costs.values()) / min(costs.values()) - 1


def _span(costs: dict[int, float]) -> str:
    cheapest, dearest = min(costs, key=costs.__getitem__), max(costs, key=costs.__getitem__)
    return (
        f"from {shown(costs[cheapest])} (at {cheapest:,}/s) to {shown(costs[dearest])} CPU s (at {dearest:,}/s), "
        f"{_apart(costs):.0%} apart: {'within' if _apart(costs) <= TOLERANCE else '**not** within'} {TOLERANCE:.0%}"
    )
