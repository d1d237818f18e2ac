"""What a batch costs whatever is in it, and what an event costs beside that: least squares over all batches.

Belongs here: the arithmetic on measured batches, and their table. Does not belong here: measuring (rates.py).
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter

import numpy as np

from benchmarks.figures import shown

TERMS = 2
TOLERANCE = 0.1
"""How far apart costs may be that are called constant: the greatest by so much above the least."""


@dataclass(frozen=True, slots=True)
class Drain:
    """One look at the topic that found records: the batches it came to, their records, CPU seconds and latency."""

    batches: int
    records: int
    cpu_seconds: float
    p95_seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """A rate in payments a second for `seconds`, batches `every_seconds` apart at least; backlogs are in records.

    `cpu_seconds` is ours from the first record to the last one published, waiting between drains included.
    """

    rate: int
    every_seconds: float
    seconds: float
    drains: tuple[Drain, ...]
    cpu_seconds: float
    broker_cpu_seconds: float
    half_way_backlog: int
    last_backlog: int

    @property
    def batches(self) -> int:
        """How many were published."""
        return sum(drain.batches for drain in self.drains)

    @property
    def records(self) -> int:
        """All that was sent."""
        return sum(drain.records for drain in self.drains)

    @property
    def cpu_per_million(self) -> float:
        """The whole cost of a million events."""
        return self.cpu_seconds / self.records * 1e6

    def line(self) -> str:
        """One trial, for whoever waits."""
        return (
            f"{self.rate:7,}/s  every {self.every_seconds:.0f} s  {self.batches:4} batches  "
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
                tuple(drain for trial in members for drain in trial.drains),
                sum(trial.cpu_seconds for trial in members),
                sum(trial.broker_cpu_seconds for trial in members),
                max(trial.half_way_backlog for trial in members),
                max(trial.last_backlog for trial in members),
            )
        )
    return joined


@dataclass(frozen=True, slots=True)
class Line:
    """CPU seconds of a batch whatever is in it, and of each million events, both with their standard errors.

    `spread` is how far a drain's cost lies from the line, as a share of the cost.
    """

    per_batch: float
    per_million: float
    errors: tuple[float, float]
    spread: float

    def own(self, trial: Trial) -> tuple[float, float]:
        """What events cost beside batches and waiting, CPU seconds per million, and how far that may be off."""
        drained = np.array([drain.cpu_seconds for drain in trial.drains])
        off = np.hypot(trial.batches * self.errors[0], self.spread * float(np.linalg.norm(drained)))
        millions = trial.records / 1e6
        return (float(drained.sum()) - trial.batches * self.per_batch) / millions, float(off) / millions


def line_through(trials: list[Trial]) -> Line:
    """The least-squares line over the drains of all trials, but for the first of each, as the traffic starts with it.

    A drain's error is taken to be a share of its cost, so that the largest ones do not decide alone. Raises ValueError
    for fewer than three drains.
    """
    drains = [drain for trial in trials for drain in trial.drains[1:]]
    if len(drains) <= TERMS:
        raise ValueError(f"{len(drains)} drains are too few for a line: let each rate go on for longer.")
    cpu = np.array([drain.cpu_seconds for drain in drains])
    weights = 1 / np.maximum(cpu, 0.01)
    design = np.array([[drain.batches, drain.records / 1e6] for drain in drains]) * weights[:, None]
    found, *_ = np.linalg.lstsq(design, cpu * weights, rcond=None)
    variance = float(np.sum((design @ found - cpu * weights) ** 2)) / (len(drains) - TERMS)
    per_batch, per_million = found.tolist()
    batch_error, million_error = np.sqrt(np.diag(variance * np.linalg.pinv(design.T @ design))).tolist()
    return Line(per_batch, per_million, (batch_error, million_error), float(np.sqrt(variance)))


def table(trials: list[Trial]) -> str:
    """One row for each rate and gap, as Markdown, and what they come to."""
    line, rounds = line_through(trials), together(trials)
    lines = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores that sender, broker and warehouse share; "
        f"each rate for {min(trial.seconds for trial in rounds):.0f} s or more.",
        "",
        "| payments/s offered | a batch | batches | records a batch | behind half way, s | behind at the end, s "
        "| p95 latency s | CPU s per million | of it batches and waiting | the events' own | broker's beside it |",
        "|---" * 11 + "|",
        *(_row(trial, line) for trial in rounds),
        "",
        verdict(rounds, line),
    ]
    return "\n".join(lines) + "\n"


def _row(trial: Trial, line: Line) -> str:
    own, error = line.own(trial)
    cells = [
        f"{trial.rate:,}",
        f"every {trial.every_seconds:g} s" if trial.every_seconds else "at once",
        str(trial.batches),
        f"{trial.records / trial.batches:,.0f}",
        shown(trial.half_way_backlog * trial.seconds / trial.records),
        shown(trial.last_backlog * trial.seconds / trial.records),
        shown(max(drain.p95_seconds for drain in trial.drains)),
        shown(trial.cpu_per_million),
        shown(trial.cpu_per_million - own),
        f"{shown(own)} ± {shown(error)}",
        shown(trial.broker_cpu_seconds / trial.records * 1e6),
    ]
    return f"| {' | '.join(cells)} |"


def verdict(trials: list[Trial], line: Line) -> str:
    """Whether an event's own cost is constant, in sentences with figures: by each rate's trial that tells it best."""
    rates = sorted({trial.rate for trial in trials})
    costs = {rate: min((line.own(t) for t in trials if t.rate == rate), key=itemgetter(1)) for rate in rates}
    known = {rate: own for rate, (own, error) in costs.items() if error <= TOLERANCE * own}
    unknown = [f"{shown(costs[r][0])} ± {shown(costs[r][1])} at {r:,}/s" for r in costs if r not in known]
    batch, million = line.errors
    sentences = [
        f"By a least-squares line, a batch costs {shown(line.per_batch)} ± {shown(batch)} CPU s whatever is in it, "
        f"and a million events {shown(line.per_million)} ± {shown(million)}."
    ]
    if len(known) > 1:
        sentences.append(
            f"Without batches and time, by the larger batches of each rate, a million costs {_span(known)}."
        )
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
