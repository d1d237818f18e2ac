"""From a snapshot to what stands on the page: pure, without HTML.

Belongs here: which cards, charts and tables there are, and their words. Does not belong here: HTML (page), judging
(answer), tables' cells (cells).
"""

from dataclasses import dataclass, field
from datetime import datetime

from orchestration.alerts.catalog import alert_for_metric
from orchestration.dashboard import statements
from orchestration.dashboard.answer import Answer, answer, clock
from orchestration.dashboard.cells import TABLES, Table, table_of
from orchestration.dashboard.drawing import in_words, path, points_of, short
from orchestration.dashboard.model import Part, Row, Section, Snapshot, moment_of
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
    "broker_overdue_seconds": "Broker silent",
    "sensor_overdue_seconds": "Sensor silent",
    "observation_overdue_seconds": "Watch silent",
}
"""The health metrics, in the order in which they are asked for."""

_UNITS = {"_mb": "MB", "_pct": "%", "_seconds": "s"}
_DISPOSITIONS = ("unique", "duplicate", "late", "quarantined", "ignored")
_STALE_SECONDS = 120


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
    """Values over time: `x` in epoch seconds, one list of values a series. `is_stacked`: they add up."""

    key: str
    title: str
    summary: str
    x: tuple[int, ...]
    series: dict[str, tuple[float, ...]]
    is_stacked: bool = False

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
        return [[clock(at), *(short(values[i]) for values in self.series.values())] for i, at in enumerate(times)]


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
    """Throughput and dispositions, a value each quarter of an hour."""
    bins = snapshot.rows(statements.BINS)
    x = tuple(int(moment_of(row["bin"]).timestamp()) for row in bins)
    rates = tuple(round(row["delivered"] / 900, 3) for row in bins)
    waits = tuple(float(row["latency_p95_seconds"] or 0) for row in bins)
    total = sum(row["delivered"] for row in bins)
    named = {name: tuple(float(row[f"{name}_count"]) for row in bins) for name in _DISPOSITIONS}
    other = tuple(float(row["delivered"]) - sum(named[name][i] for name in _DISPOSITIONS) for i, row in enumerate(bins))
    series = {name.upper(): values for name, values in named.items()} | ({"OTHER": other} if any(other) else {})
    counts = ", ".join(f"{short(sum(values))} {name}" for name, values in series.items())
    return (
        Chart("throughput", "Throughput, records a second", f"{total:,} records in 24 hours.", x, {"records/s": rates}),
        Chart(
            "dispositions", "Dispositions, records in 15 minutes", f"24 hours: {counts}.", x, series, is_stacked=True
        ),
        Chart(
            "latency",
            "Event to warehouse, seconds",
            f"The slowest batch's 95th percentile; at most {short(max(waits, default=0))} s in 24 hours.",
            x,
            {"p95, s": waits},
        ),
    )
