"""docs/costs.md and benchmarks/bytes.json: what the meter says, largest first, beside peers (`make bytes`).

Usage: python -m benchmarks.bytes.page [--batch-seconds N] [--build-minutes N] [--dry].

Belongs here: tables and their order. Does not belong here: bytes (meter), prices (prices). Nothing in the page's tables
is written by hand.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bytes.meter import LONG_DAYS, SHORT_DAYS, Charge, Metered, meter
from benchmarks.bytes.prices import by_slots, on_demand, peers
from benchmarks.bytes.recorded import WORKS, read
from benchmarks.bytes.volumes import LAWS, Schedule, Traffic, undeclared
from benchmarks.harness.figures import ROOT, table, write_table

PAGE = ROOT / "docs" / "costs.md"
FIGURES = ROOT / "benchmarks" / "bytes.json"
LIMITS = ROOT / "spark_jobs" / "warehouse" / "job_bytes.json"
"""What the product limits its jobs by."""
RATES = (100, 1_000, 10_000, 100_000)
DAYS = (1, SHORT_DAYS, LONG_DAYS)
TOLD_RATE = 10_000
"""Payments a second of the tables that show one rate."""
LARGEST = 40
"""Statements that the page shows."""
MOST_GROWTH = 1.05
"""With a year kept a statement of a batch or a build may be billed so much more than with a month."""
WATCHED = ("batch", "build", "check", "hour", "look")
_LIMITED_AS = {"hour": "build", "look": "check"}

KEPT = Path(__file__).parent / "recording.json"
_PRINTED = 15

type Cells = Sequence[str]


def rows_of(metered: Metered, schedule: Schedule) -> Iterator[dict[str, float | int | str]]:
    """Every statement at every rate and number of days."""
    for charge in metered.charges:
        for rate in RATES:
            for days in DAYS:
                traffic = Traffic(rate, days, schedule)
                yield {
                    "statement": f"{charge.work} / {charge.name}",
                    "payments_per_second": rate,
                    "days": days,
                    "bytes": round(metered.bytes_of(charge, traffic)),
                    "dollars_a_day": round(on_demand(metered.bytes_a_day(charge, traffic)), 4),
                }


def largest(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """By work and days kept, the bytes of its largest statement at TOLD_RATE. What builds do hourly is a build's."""
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        if row["payments_per_second"] == TOLD_RATE:
            work = row["statement"].partition(" / ")[0]
            by_days = found.setdefault(_LIMITED_AS.get(work, work), {})
            days = str(row["days"])
            by_days[days] = max(by_days.get(days, 0), row["bytes"])
    return found


def growing(metered: Metered, payments_per_second: float = TOLD_RATE) -> dict[str, float]:
    """Statements of a batch or a build that are billed more with history, with how much more."""
    ratios = {
        f"{charge.work} / {charge.name}": metered.growth(charge, payments_per_second)
        for charge in metered.charges
        if charge.work in WATCHED
    }
    return {name: round(ratio, 2) for name, ratio in ratios.items() if ratio > MOST_GROWTH}


def write_all(metered: Metered, schedule: Schedule) -> None:
    """The file and the page."""
    lines = ",\n".join(json.dumps(row) for row in rows_of(metered, schedule))
    FIGURES.write_text(f"[\n{lines}\n]\n")
    LIMITS.write_text(json.dumps(largest(rows_of(metered, schedule)), indent=2) + "\n")
    write_page(metered, schedule, PAGE)


def write_page(metered: Metered, schedule: Schedule, page: Path) -> None:
    """Every table of the page."""
    write_table(page, "costs_by_work", table(*_by_work(metered, schedule)))
    write_table(page, "costs_once", table(*_once(metered, schedule)))
    write_table(page, "costs_by_rate", table(*_by_rate(metered, schedule)))
    write_table(page, "costs_by_statement", table(*_by_statement(metered, schedule)))
    write_table(page, "costs_by_table", table(*_by_table(metered)))
    write_table(page, "costs_of_peers", table(*_beside_peers(metered, schedule)))
    write_table(page, "costs_schedule", table(*_schedule(schedule)))


def _daily(metered: Metered, charges: Iterable[Charge], traffic: Traffic) -> float:
    return sum(metered.bytes_a_day(charge, traffic) for charge in charges)


def _by_work(metered: Metered, schedule: Schedule) -> tuple[Cells, Sequence[Cells]]:
    rows = []
    for work in WORKS:
        charges = [charge for charge in metered.charges if charge.work == work and schedule.times_a_day(work)]
        each = [_daily(metered, charges, Traffic(TOLD_RATE, days, schedule)) for days in DAYS]
        if charges:
            rows.append(
                [work, str(sum(c.times for c in charges)), *(f"{size(b)}, {dollars(on_demand(b))}" for b in each)]
            )
    return ("work", "statements", *(f"{days} days kept" for days in DAYS)), rows


def _once(metered: Metered, schedule: Schedule) -> tuple[Cells, Sequence[Cells]]:
    """What one run costs of work that no day has."""
    rows = []
    for work in WORKS:
        charges = [charge for charge in metered.charges if charge.work == work and not schedule.times_a_day(work)]
        each = [
            sum(metered.bytes_of(charge, Traffic(TOLD_RATE, days, schedule)) * charge.times for charge in charges)
            for days in DAYS
        ]
        if charges:
            rows.append([work, *(f"{size(b)}, {dollars(on_demand(b))}" for b in each)])
    return ("work, once", *(f"{days} days kept" for days in DAYS)), rows


def _by_rate(metered: Metered, schedule: Schedule) -> tuple[Cells, Sequence[Cells]]:
    rows = []
    for rate in RATES:
        each = [_daily(metered, metered.charges, Traffic(rate, days, schedule)) for days in DAYS]
        rows.append([f"{rate:,}", *(f"{size(b)}: {dollars(on_demand(b))} or {dollars(by_slots(b))}" for b in each)])
    return ("payments a second", *(f"{days} days kept: bytes a day, on demand or by slots" for days in DAYS)), rows


def _by_statement(metered: Metered, schedule: Schedule) -> tuple[Cells, Sequence[Cells]]:
    longest = Traffic(TOLD_RATE, LONG_DAYS, schedule)
    charges = sorted(metered.charges, key=lambda charge: -metered.bytes_a_day(charge, longest))
    rows = [
        [
            charge.work,
            f"`{charge.name}`",
            *(size(metered.bytes_of(charge, Traffic(TOLD_RATE, days, schedule))) for days in DAYS),
            f"{metered.growth(charge, TOLD_RATE):.2f}",
            dollars(on_demand(metered.bytes_a_day(charge, longest))),
            dollars(by_slots(metered.bytes_a_day(charge, longest))),
        ]
        for charge in charges[:LARGEST]
    ]
    return (
        "work",
        "statement",
        *(f"bytes, {days} days kept" for days in DAYS),
        f"{LONG_DAYS} to {SHORT_DAYS} days",
        f"a day on demand, {LONG_DAYS} days kept",
        "by slots",
    ), rows


def _by_table(metered: Metered) -> tuple[Cells, Sequence[Cells]]:
    """What a table's rows weigh, and what they grow with."""
    rows = [
        [
            f"`{name}`",
            LAWS[name].value,
            stored.partition_by or "none",
            f"{sum(stored.column_bytes.values()):,.0f}",
            size(metered.volumes.stored_bytes(name, Traffic(TOLD_RATE, LONG_DAYS))),
        ]
        for name, stored in sorted(metered.volumes.recording.tables.items())
        if name in LAWS
    ]
    return ("table", "a row for each", "partitioned by day of", "bytes a row", f"stored after {LONG_DAYS} days"), rows


def _beside_peers(metered: Metered, schedule: Schedule) -> tuple[Cells, Sequence[Cells]]:
    rows = []
    for rate in RATES:
        traffic = Traffic(rate, SHORT_DAYS, schedule)
        batches = [charge for charge in metered.charges if charge.work == "batch"]
        ours = on_demand(_daily(metered, batches, traffic))
        everything = on_demand(_daily(metered, metered.charges, traffic))
        rows.append(
            [f"{rate:,}", "ours, its batches", dollars(ours), f"on demand, {SHORT_DAYS} days kept; loads are free"]
        )
        rows.append([f"{rate:,}", "ours, everything", dollars(everything), "with every model, check and proof"])
        for name, (price, arithmetic) in peers(rate).items():
            rows.append([f"{rate:,}", name, dollars(price), arithmetic])
    return ("payments a second", "who", "dollars a day", "what it is made of"), rows


def _schedule(schedule: Schedule) -> tuple[Cells, Sequence[Cells]]:
    times = {work: schedule.times_a_day(work) for work in WORKS}
    return ("work", "times a day"), [[work, f"{n:,.0f}" if n % 1 == 0 else f"{n:.2f}"] for work, n in times.items()]


def size(count: float) -> str:
    """Bytes by the largest unit that leaves a digit before the point."""
    value = count
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            return f"{value:,.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:,.0f} PiB" if value >= 10 else f"{value:.1f} PiB"


def dollars(amount: float) -> str:
    """To the dollar from ten on, else to the cent."""
    return f"${amount:,.0f}" if amount >= 10 else f"${amount:.2f}"


def main() -> None:
    """Work out, print the largest, write."""
    schedule = Schedule()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bytes.page", description=__doc__)
    parser.add_argument("--dry", action="store_true", help="print, and keep nothing")
    parser.add_argument("--batch-seconds", type=float, default=schedule.batch_seconds)
    parser.add_argument("--build-minutes", type=float, default=schedule.build_minutes)
    parser.add_argument("--payments", type=float, default=10_000, help="a second, of what is printed")
    parser.add_argument("--days", type=float, default=365, help="kept, of what is printed")
    options = parser.parse_args()
    recording = read(KEPT)
    if unknown := undeclared(recording.tables):
        sys.exit(f"Say in LAWS what these tables grow with: {', '.join(unknown)}.")
    schedule = Schedule(batch_seconds=options.batch_seconds, build_minutes=options.build_minutes)
    metered = meter(recording)
    traffic = Traffic(options.payments, options.days, schedule)
    for charge in sorted(metered.charges, key=lambda each: -metered.bytes_a_day(each, traffic))[:_PRINTED]:
        daily = dollars(on_demand(metered.bytes_a_day(charge, traffic)))
        _say(f"{daily:>14} a day  {size(metered.bytes_of(charge, traffic)):>10}  {charge.work} / {charge.name}")
    for name, ratio in sorted(growing(metered).items()):
        _say(f"grows {ratio:5.2f}  {name}")
    for sql, error in metered.unresolved.items():
        _say(f"not resolved: {error}: {sql}")
    if not options.dry:
        write_all(metered, schedule)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    main()
