"""A day of values as a line: pure geometry, drawn without a script.

Belongs here: which values a metric had, and the path of its line. Does not belong here: charts with axes (the page's
script), colours.
"""

from collections.abc import Sequence
from decimal import Decimal

from orchestration.dashboard import statements
from orchestration.dashboard.model import HISTORY_SECONDS, Row, Snapshot, moment_of

WIDTH, HEIGHT = 240, 40
_GAP_SECONDS = 3600
"""Values further apart are not joined: what was between is not known."""

type Points = Sequence[tuple[int, float]]


def points_of(metric: str, snapshot: Snapshot) -> Points:
    """The last 24 hours of a health metric: by the ledger where it tells, else as the watch has kept them.

    Of each quarter of an hour the worst value is drawn: the greatest, and the least of what should be 100.
    """
    by_ledger = [
        (_at(row), value) for row in snapshot.rows(statements.BINS) if (value := _in_bin(metric, row)) is not None
    ]
    worst = "least" if metric == "reconciliation_pct" else "most"
    kept = [(_at(row), float(row[worst])) for row in snapshot.rows(statements.HISTORY) if row["metric"] == metric]
    return by_ledger or kept


def _at(row: Row) -> int:
    return int(moment_of(row["bin"]).timestamp())


def _in_bin(metric: str, row: Row) -> float | None:
    if metric == "state_size_mb":
        return float(row["state_bytes"]) / 1_000_000
    if metric == "duplicate_rate_pct":
        return 100 * float(row["duplicate_count"]) / float(row["delivered"]) if row["delivered"] else None
    if metric == "event_to_warehouse_latency_p95_seconds":
        return None if row["latency_p95_seconds"] is None else float(row["latency_p95_seconds"])
    if metric == "checkpoint_lag_seconds":
        return None if row["longest_wait_seconds"] is None else float(row["longest_wait_seconds"])
    return None


def path(points: Points, until: int) -> str:
    """The `d` of an SVG path over the last day, from 0 up to the greatest value; empty where there is no value."""
    shown = [(at, value) for at, value in points if until - HISTORY_SECONDS <= at <= until]
    top = max((value for _, value in shown), default=0.0) or 1.0
    commands = []
    last: int | None = None
    for at, value in shown:
        x = WIDTH * (at - until + HISTORY_SECONDS) / HISTORY_SECONDS
        y = HEIGHT - 2 - (HEIGHT - 4) * max(value, 0.0) / top
        is_joined = last is not None and at - last <= _GAP_SECONDS
        # A point of its own is drawn as a line of no length, which round caps make a dot.
        commands.append(f"L{x:.1f} {y:.1f}" if is_joined else f"M{x:.1f} {y:.1f}h0.01")
        last = at
    return "".join(commands)


def in_words(points: Points, until: int) -> str:
    """The same for who does not see the line."""
    values = [value for at, value in points if until - HISTORY_SECONDS <= at <= until]
    if not values:
        return "Nothing is known of the last 24 hours."
    return f"Last 24 hours: from {short(min(values))} to {short(max(values))}."


def short(value: float | Decimal) -> str:
    """A number in a few digits, with separators."""
    if not -100 < value < 100:
        return f"{value:,.0f}"
    return f"{not_made_100(value):.2f}".rstrip("0").rstrip(".")


def not_made_100(value: float | Decimal) -> float | Decimal:
    """The value for two places, which make no 100 of what is below: a match of 99.9999 % is a break, and says so."""
    return Decimal("99.99") if 99 < value < 100 and round(value, 2) == 100 else value
