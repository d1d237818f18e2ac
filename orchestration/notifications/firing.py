"""Which alerts fire, by the health that the watch has put on record and by the incidents: pure.

Belongs here: the judgement. Does not belong here: reading the record (record), what was told (ledger).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestration.alerts.catalog import ALERTS, RECENT_MINUTES, WAREHOUSE, Alert
from orchestration.dashboard.model import Row, moment_of, safe
from orchestration.dashboard.remedies import open_incidents
from orchestration.notifications.ledger import Firing
from orchestration.watch.report import AGAIN_AFTER
from orchestration.watch.rules import WATCH

STALE_AFTER = AGAIN_AFTER + timedelta(minutes=5)
"""The watch records health at each change, and again after a while. A record older than this says that it is dead."""

FAILING = "FAILING: "


@dataclass(frozen=True, slots=True)
class HealthRecord:
    """What the watch has put on record: what is not well, as "FAILING: metric", words on each, and when."""

    rows: tuple[str, ...]
    words: tuple[str, ...]
    recorded_at: datetime


def firing(record: HealthRecord | None, incidents: Sequence[Row] | None, now: datetime) -> Firing:
    """What fires. None stands for what could not be read: of its alerts nothing is known."""
    details: dict[str, str] = {}
    unknown: set[str] = set()
    rows = _failing(record, now)
    for alert in ALERTS:
        found = [word for name, word in rows.items() if name in alert.health]
        found += [] if incidents is None else _of_incidents(alert, incidents, now)
        if found:
            details[alert.name] = safe("; ".join(found))
        elif _is_unknown(alert, record, rows, incidents):
            unknown.add(alert.name)
    return Firing(details, frozenset(unknown))


def _failing(record: HealthRecord | None, now: datetime) -> dict[str, str]:
    """The rows that are FAILING, by metric, with their words."""
    if record is None:
        return {}
    if now - record.recorded_at > STALE_AFTER:
        return {WATCH: f"nothing is on record since {record.recorded_at:%Y-%m-%d %H:%M} UTC"}
    rows = [row.removeprefix(FAILING) for row in record.rows if row.startswith(FAILING)]
    return {name: _words(record.words, name) for name in rows}


def _words(words: Iterable[str], name: str) -> str:
    return next((line.removeprefix(FAILING) for line in words if line.startswith(f"{FAILING}{name}")), name)


def _is_unknown(
    alert: Alert, record: HealthRecord | None, rows: dict[str, str], incidents: Sequence[Row] | None
) -> bool:
    hidden = record is None or WATCH in rows or (WAREHOUSE in rows and WAREHOUSE not in alert.health)
    return bool(alert.health and hidden) or bool((alert.incidents or alert.recent) and incidents is None)


def _of_incidents(alert: Alert, incidents: Sequence[Row], now: datetime) -> list[str]:
    details = [str(row["detail"]) for row in open_incidents(incidents) if row["kind"] in alert.incidents]
    since = now - timedelta(minutes=RECENT_MINUTES)
    recent = [row for row in incidents if row["kind"] in alert.recent and moment_of(row["occurred_at"]) > since]
    return details + [str(row["detail"]) for row in recent[:1]]
