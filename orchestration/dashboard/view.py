"""From a snapshot to what stands on the page: pure, without HTML.

Belongs here: which cards, charts and tables there are, and their words. Does not belong here: HTML (page), judging
(answer), tables' cells (cells).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from orchestration.alerts.catalog import alert_for_metric
from orchestration.dashboard import statements
from orchestration.dashboard.answer import Answer, answer, clock
from orchestration.dashboard.cells import TABLES, Table, dated, read_at, table_of
from orchestration.dashboard.drawing import in_words, path, points_of, short
from orchestration.dashboard.model import HISTORY_SECONDS, Part, Row, Section, Snapshot, moment_of
from orchestration.dashboard.remedies import BY_METRIC, open_incidents

TITLES = {
    "state_size_mb": "State store size",
    "duplicate_rate_pct": "Duplicate rate",
    "reconciliation_pct": "Reconciliation match",
    "event_to_warehouse_latency_p95_seconds": "Event to warehouse, 95th percentile",
    "event_to_fraud_score_p95_seconds": "Event to fraud score, 95th percentile",
    "checkpoint_lag_seconds": "Checkpoint lag",
    "event_to_reconciliation_p95_seconds": "Event to reconciliation, 95th percentile",
    "publication_overdue_seconds": "Publication overdue",
    "open_transaction_overdue_seconds": "Transaction open too long",
    "build_overdue_seconds": "Build overdue",
    "red_check_overdue_seconds": "Check red",
    "broker_overdue_seconds": "Broker silent",
    "sensor_overdue_seconds": "Sensor silent",
    "observation_overdue_seconds": "Watch silent",
}
"""The health metrics, in the order in which they are asked for."""

_UNITS = {"_mb": "MB", "_pct": "%", "_seconds": "s"}
_DISPOSITIONS = ("unique", "duplicate", "late", "quarantined", "ignored")
_STALE_SECONDS = 120
_BIN_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Card:
    """One health metric. `path` is the line of its last 24 hours, `words` says the same."""

    metric: str
    title: str
    value: str
    unit: str
    target: str
    status: str
    detail: str
    command: str
    path: str
    words: str
    alert: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """Values over time: `x` in epoch seconds, one list of values a series, None where there is none.

    `is_stacked`: they add up. `trouble`: why nothing newer is known.
    """

    key: str
    title: str
    summary: str
    x: tuple[int, ...]
    series: Mapping[str, tuple[float | None, ...]]
    is_stacked: bool = False
    trouble: str = ""

    @property
    def data(self) -> dict[str, object]:
        """What the script draws from."""
        return {
            "x": self.x,
            "series": list(self.series),
            "values": list(self.series.values()),
            "stacked": self.is_stacked,
        }

    @property
    def rows(self) -> list[list[str]]:
        """The same as a table."""
        times = [datetime.fromtimestamp(at, tz=moment_of("1970-01-01T00:00:00Z").tzinfo) for at in self.x]
        cells = [["" if value is None else short(value) for value in values] for values in self.series.values()]
        return [[clock(at), *(column[i] for column in cells)] for i, at in enumerate(times)]


@dataclass(frozen=True, slots=True)
class Page:
    """All that stands on the page."""

    answer: Answer
    taken_at: str
    age_seconds: int
    is_stale: bool
    parts: tuple[Part, ...]
    health: tuple[Card, ...]
    health_trouble: str
    watch: tuple[Card, ...]
    incidents: tuple[Row, ...]
    incidents_trouble: str
    unwell: tuple[Card, ...]
    charts: tuple[Chart, ...]
    tables: tuple[Table, ...] = field(default_factory=tuple)


def page_of(snapshot: Snapshot, now: datetime) -> Page:
    """The page of a snapshot, looked at now."""
    until = int(moment_of(snapshot.taken_at).timestamp())
    cards = cards_of(snapshot, until)
    age = max(0, int((now - moment_of(snapshot.taken_at)).total_seconds()))
    overdue = tuple(card for card in cards if card.metric.endswith("_overdue_seconds"))
    health = snapshot.section(statements.HEALTH)
    return Page(
        answer=answer(snapshot),
        taken_at=clock(moment_of(snapshot.taken_at)),
        age_seconds=age,
        is_stale=age > _STALE_SECONDS,
        parts=snapshot.parts,
        health=tuple(card for card in cards if card not in overdue),
        health_trouble=_why_not_known(health) or health.note,
        watch=overdue,
        incidents=tuple(open_incidents(snapshot.rows(statements.INCIDENTS))),
        incidents_trouble=_why_not_known(snapshot.section(statements.INCIDENTS)),
        unwell=tuple(card for card in cards if card.status in ("FAILING", "DEGRADED")),
        charts=charts_of(snapshot),
        tables=tuple(table_of(layout, snapshot) for layout in TABLES),
    )


def _why_not_known(section: Section) -> str:
    """What keeps a section from being known now."""
    return section.trouble or ("It was not read yet." if section.read_at is None else "")


def cards_of(snapshot: Snapshot, until: int) -> list[Card]:
    """The health metrics, those first that the field asks for; one that is not known here comes last."""
    rows = {row["metric"]: row for row in snapshot.rows(statements.HEALTH)}
    order = [*(m for m in TITLES if m in rows), *(m for m in rows if m not in TITLES)]
    return [_card(metric, rows[metric], snapshot, until) for metric in order]


def _card(metric: str, row: Row, snapshot: Snapshot, until: int) -> Card:
    points = points_of(metric, snapshot)
    value = "not known" if row["value"] is None else short(float(row["value"]))
    unit = next((unit for suffix, unit in _UNITS.items() if metric.endswith(suffix)), "")
    return Card(
        metric=metric,
        title=TITLES.get(metric, metric.replace("_", " ")),
        value=value,
        unit="" if row["value"] is None else unit,
        target=row["target"],
        status=row["status"],
        detail=row["detail"] or "",
        command=BY_METRIC.get(metric, "payments status"),
        path=path(points, until),
        words=in_words(points, until),
        alert=alert.name if (alert := alert_for_metric(metric)) else "",
    )


def charts_of(snapshot: Snapshot) -> tuple[Chart, ...]:
    """Throughput and dispositions, a value each quarter of an hour up to when they were read, also of a quiet one."""
    section = snapshot.section(statements.BINS)
    bins = {int(moment_of(row["bin"]).timestamp()): row for row in section.rows}
    until = int(moment_of(section.read_at or snapshot.taken_at).timestamp())
    x = tuple(range(min(bins), max(until, max(bins) + 1), _BIN_SECONDS)) if bins else ()
    counts = {name.upper(): _counts(f"{name}_count", x, bins) for name in _DISPOSITIONS}
    delivered = _counts("delivered", x, bins)
    other = tuple(each - sum(values[i] for values in counts.values()) for i, each in enumerate(delivered))
    if any(other):
        counts["OTHER"] = other
    told = ", ".join(f"{short(sum(values))} {name}" for name, values in counts.items())
    rates = tuple(round(each / _seconds_of(at, until), 3) for at, each in zip(x, delivered, strict=True))
    waits = tuple(None if (wait := bins.get(at, {}).get("latency_p95_seconds")) is None else float(wait) for at in x)
    longest = short(max((wait for wait in waits if wait is not None), default=0))
    all_records = f"{sum(delivered):,.0f} records in 24 hours."
    slowest = f"The slowest batch's 95th percentile; at most {longest} s in 24 hours."
    charts = (
        Chart("throughput", "Throughput, records a second", all_records, x, {"records/s": rates}),
        Chart("dispositions", "Dispositions, records in 15 minutes", f"24 hours: {told}.", x, counts, is_stacked=True),
        Chart("latency", "Event to warehouse, seconds", slowest, x, {"p95, s": waits}),
    )
    if section.read_at is None:
        return tuple(replace(chart, summary=_why_not_known(section)) for chart in charts)
    return tuple(replace(chart, trouble=dated(section.trouble, read_at(section))) for chart in charts)


def _counts(column: str, x: Sequence[int], bins: Mapping[int, Row]) -> tuple[float, ...]:
    """0 where nothing was published: a line over a pause would say that it went on."""
    return tuple(float(bins[at][column]) if at in bins else 0.0 for at in x)


def _seconds_of(begin: int, until: int) -> int:
    """How much of a quarter of an hour lies within the day that was read, and a minute at least."""
    return max(60, min(begin + _BIN_SECONDS, until) - max(begin, until - HISTORY_SECONDS))
