"""What batches cost by the rate at which their events came: as tables, and as a sentence.

Belongs here: the arithmetic on measured batches, and their tables. Does not belong here: measuring (rates).
"""

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from statistics import median, quantiles

from benchmarks.harness.figures import measured, shown, table

TOLERANCE = 0.1
"""How far apart costs may be that are called constant: the greatest by so much above the least."""
TRIAL_COLUMNS = [
    "payments/s offered",
    "for so long, s",
    "batches",
    "records a batch",
    "behind half way, s",
    "behind at the end, s",
    "p95 latency s",
    "CPU s a batch",
    "CPU s per million",
    "broker's beside it",
]
BURST_COLUMNS = [
    "payments/s offered",
    "they come within, s",
    "batches",
    "records a batch",
    "CPU s a batch, median",
    "the same at one speed",
    "half of the batches lie between",
    "a nearly empty one at that speed",
    "CPU s per million beyond that",
    "waiting, CPU s a second",
]


@dataclass(frozen=True, slots=True)
class Drain:
    """One look at the topic that found records: the batches it came to, their records, CPU seconds and latency."""

    batches: int
    records: int
    cpu_seconds: float
    p95_seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """A rate in payments a second for `seconds`, a batch as soon as there are records; backlogs are in records.

    `cpu_seconds` is ours from the first record to the last one published, waiting between drains included.
    """

    rate: int
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
            f"{self.rate:7,}/s  {self.batches:4} batches  {self.cpu_per_million:7.1f} CPU s/million  "
            f"backlog {self.half_way_backlog:,} then {self.last_backlog:,}"
        )


@dataclass(frozen=True, slots=True)
class Burst:
    """Records that came at a rate for `seconds`, in which we used `waiting_cpu_seconds`, and the drain of them all.

    `stroke_seconds` is the yardstick's while they were drained: the slower the cores, the longer.
    """

    rate: int
    seconds: float
    waiting_cpu_seconds: float
    drain: Drain
    stroke_seconds: float

    def at_speed(self, stroke_seconds: float) -> float:
        """CPU seconds of the drain had a stroke of the yardstick taken so long; waiting is not among them."""
        return self.drain.cpu_seconds * stroke_seconds / self.stroke_seconds

    def line(self) -> str:
        """One burst, for whoever waits."""
        return (
            f"{self.rate:7,}/s  {self.drain.records:,} records  {self.drain.cpu_seconds:.2f} CPU s  "
            f"a stroke {self.stroke_seconds * 1e3:.2f} ms"
        )


@dataclass(frozen=True, slots=True)
class Pace:
    """A rate's bursts, and those of next to no records that came within the same time."""

    rate: int
    bursts: list[Burst]
    nearly_empty: list[Burst]

    def cpu_per_million(self, stroke_seconds: float) -> float:
        """CPU seconds for each million events at one speed, without what a batch costs whatever is in it."""
        cost, records = self._middle(self.bursts, stroke_seconds)
        without, few = self._middle(self.nearly_empty, stroke_seconds)
        return (cost - without) / (records - few) * 1e6

    def cells(self, stroke_seconds: float) -> list[str]:
        """Its row, by BURST_COLUMNS."""
        costs = [burst.at_speed(stroke_seconds) for burst in self.bursts]
        low, middle, high = quantiles(costs, n=4, method="inclusive")
        batches = sum(burst.drain.batches for burst in self.bursts)
        waited = sum(burst.seconds for burst in self.bursts)
        return [
            f"{self.rate:,}",
            shown(median(burst.seconds for burst in self.bursts)),
            str(batches),
            f"{sum(burst.drain.records for burst in self.bursts) / batches:,.0f}",
            shown(median(burst.drain.cpu_seconds for burst in self.bursts)),
            shown(middle),
            f"{shown(low)} and {shown(high)}",
            shown(self._middle(self.nearly_empty, stroke_seconds)[0]),
            shown(self.cpu_per_million(stroke_seconds)),
            shown(sum(burst.waiting_cpu_seconds for burst in self.bursts) / waited),
        ]

    @staticmethod
    def _middle(bursts: list[Burst], stroke_seconds: float) -> tuple[float, float]:
        """CPU seconds, and records."""
        return median(b.at_speed(stroke_seconds) for b in bursts), median(b.drain.records for b in bursts)


def together(trials: list[Trial]) -> list[Trial]:
    """Rounds of the same rate as one trial each; backlogs are the greatest."""
    return [
        Trial(
            rate,
            sum(trial.seconds for trial in members),
            tuple(drain for trial in members for drain in trial.drains),
            sum(trial.cpu_seconds for trial in members),
            sum(trial.broker_cpu_seconds for trial in members),
            max(trial.half_way_backlog for trial in members),
            max(trial.last_backlog for trial in members),
        )
        for rate, members in _by_rate(trials).items()
    ]


def _by_rate[T: (Trial, Burst)](found: list[T]) -> dict[int, list[T]]:
    """From the slowest rate on."""
    ordered = sorted(found, key=attrgetter("rate"))
    return {rate: list(of_rate) for rate, of_rate in groupby(ordered, key=attrgetter("rate"))}


def trials_table(trials: list[Trial]) -> str:
    """One row for each rate, as Markdown: a batch as soon as there are records."""
    return measured(" that sender, broker and warehouse share") + table(TRIAL_COLUMNS, map(_cells, together(trials)))


def _cells(trial: Trial) -> list[str]:
    seconds_a_record = trial.seconds / trial.records
    return [
        f"{trial.rate:,}",
        shown(trial.seconds),
        str(trial.batches),
        f"{trial.records / trial.batches:,.0f}",
        shown(trial.half_way_backlog * seconds_a_record),
        shown(trial.last_backlog * seconds_a_record),
        shown(max(drain.p95_seconds for drain in trial.drains)),
        shown(trial.cpu_seconds / trial.batches),
        shown(trial.cpu_per_million),
        shown(trial.broker_cpu_seconds / trial.records * 1e6),
    ]


def bursts_table(bursts: list[Burst], nearly_empty: list[Burst]) -> str:
    """One row for each rate, of two bursts or more, as Markdown: all batches of one size. Do they cost the same?"""
    speed = median(burst.stroke_seconds for burst in [*bursts, *nearly_empty])
    without = _by_rate(nearly_empty)
    paces = [Pace(rate, of_rate, without[rate]) for rate, of_rate in _by_rate(bursts).items()]
    message = verdict({pace.rate: pace.cpu_per_million(speed) for pace in paces})
    rows = [pace.cells(speed) for pace in paces]
    return f"{measured(f', in {len(bursts) // len(paces)} rounds')}{table(BURST_COLUMNS, rows)}\n{message}\n"


def verdict(costs: dict[int, float]) -> str:
    """Whether what a million events cost at one speed, by rate, is constant, and from which rate on: with figures."""
    message = f"At one speed, and beyond what a nearly empty batch costs, a million events take {_span(costs)}."
    ends = ({r: cost for r, cost in costs.items() if r >= rate} for rate in sorted(costs))
    steady = next(end for end in ends if _apart(end) <= TOLERANCE)
    return f"{message} From {min(steady):,}/s on, {_span(steady)}." if 1 < len(steady) < len(costs) else message


def _apart(costs: dict[int, float]) -> float:
    return max(costs.values()) / min(costs.values()) - 1


def _span(costs: dict[int, float]) -> str:
    cheapest, dearest = min(costs, key=costs.__getitem__), max(costs, key=costs.__getitem__)
    apart = _apart(costs)
    return (
        f"from {shown(costs[cheapest])} CPU s (at {cheapest:,}/s) to {shown(costs[dearest])} (at {dearest:,}/s), "
        f"{apart:.0%} apart: {'within' if apart <= TOLERANCE else '**not** within'} {TOLERANCE:.0%}"
    )
