"""Ours and the peers on the same topic, in turn, each result held against the oracle; then each is killed once.

Usage: python -m benchmarks.contest.bench [--quick] [--events N] [--rounds N] [--killed-events N] [--only NAME ...]
[--dry]. Belongs here: rounds, and what is measured of them. Does not belong here: one run (arena, contest),
kills (recovery), tables and the plot (results). Writes benchmarks/latest.json, docs/performance.md and its
plot; with --only or --dry, nothing but what it prints.
"""

import argparse
from collections import defaultdict
from dataclasses import dataclass, replace

from benchmarks.contest import recovery, results
from benchmarks.contest.arena import arena
from benchmarks.contest.contest import CONTENDERS, Contender, Failed
from benchmarks.contest.pacing import Pace
from benchmarks.contest.recovery import Recovery
from benchmarks.contest.results import Outcome


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured; latency in the last round. Without `killed_events` nobody is killed."""

    events: int
    rounds: int
    pace: Pace
    timeout_seconds: float
    killed_events: int


FULL = Size(
    events=2_000_000,
    rounds=2,
    pace=Pace(rate=2_000, seconds=40),
    timeout_seconds=900,
    killed_events=recovery.EVENTS,
)
QUICK = Size(events=400_000, rounds=1, pace=Pace(rate=1_000, seconds=10), timeout_seconds=300, killed_events=0)


def measure(size: Size, contenders: list[Contender]) -> tuple[list[Outcome], list[str]]:
    """The median outcome of each contender over all rounds, and why any is missing."""
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    missing: list[str] = []
    with arena(size.events) as ready:
        for number in range(size.rounds):
            # Who comes first has the disk cache colder: each round begins with another one.
            for contender in contenders[number % len(contenders) :] + contenders[: number % len(contenders)]:
                pace = size.pace if number == size.rounds - 1 else None
                try:
                    outcome = ready.run(contender, number, size.timeout_seconds, pace)
                except Failed as failure:
                    missing.append(str(failure))
                    _say(missing[-1])
                    continue
                outcomes[contender.name].append(outcome)
                _say(results.line(outcome))
    return [results.median(outcomes[c.name]) for c in contenders if outcomes[c.name]], missing


def with_recovery(outcome: Outcome, found: Recovery | None) -> Outcome:
    """The outcome, and what became of a kill where there was one."""
    if found is None:
        return outcome
    return replace(outcome, recovery_seconds=found.seconds, exact_after_kill=found.is_exact, after_kill=found.message)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a command


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="400,000 events, one round, no kills: within 5 minutes")
    parser.add_argument("--events", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--killed-events", type=int, help="in the topic that they are killed over; 0: no kills")
    parser.add_argument("--only", nargs="*", choices=[contender.name for contender in CONTENDERS])
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    return parser.parse_args()


def _size(options: argparse.Namespace) -> Size:
    given = {name: getattr(options, name) for name in ("events", "rounds", "killed_events")}
    return replace(
        QUICK if options.quick else FULL, **{name: value for name, value in given.items() if value is not None}
    )


def main() -> None:
    """Measure, print, keep."""
    options = _options()
    size = _size(options)
    contenders = [c for c in CONTENDERS if not options.only or c.name in options.only]
    outcomes, missing = measure(size, contenders)
    keeps = not (options.dry or options.only)

    def keep() -> None:
        """After each part: a later one that fails takes nothing of it along."""
        if keeps:
            results.keep(outcomes, missing, size.events, size.rounds, size.pace.rate)

    keep()
    if size.killed_events:
        found, failed = recovery.measure(size.killed_events, contenders, size.timeout_seconds, _report_kill)
        outcomes, missing = [with_recovery(o, found.get(o.name)) for o in outcomes], missing + failed
        keep()
    if outcomes and not keeps:
        _say(results.outcomes_table(outcomes, missing, size.events, size.rounds, size.pace.rate))


def _report_kill(contender: Contender, message: str) -> None:
    _say(f"{contender.name:12} killed: {message}")


if __name__ == "__main__":
    main()
