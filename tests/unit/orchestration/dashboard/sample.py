"""A snapshot made by hand, as it is in the middle of a good day.

Belongs here: sound rows of every section. Does not belong here: ways to break them, assertions.
"""

import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.dashboard import statements
from orchestration.dashboard.model import DAGSTER, KAFKA, WAREHOUSE, Part, Section, Snapshot, plain_rows, stamp

NOW = datetime(2026, 1, 5, 12, 7, 30, tzinfo=UTC)
LIMITS = Path(__file__).parents[4] / "dbt_project/seeds/health_limits.csv"
ENDS = '{"0": 4100, "1": 3999}'
UP = tuple(Part(name, True, "it answers") for name in (WAREHOUSE, KAFKA, DAGSTER))


def limits() -> list[dict[str, str]]:
    with LIMITS.open() as file:
        return list(csv.DictReader(file))


def judged(name: str, **changes: Any) -> dict[str, Any]:
    row = {"reconciliation": name, "day": "2026-01-05", "row_count": 40, "failed_count": 0, "pending_count": 0}
    return row | {"last_batch_id": None, "judged_at": "2026-01-05T12:06:10Z"} | changes


def bins() -> list[dict[str, Any]]:
    return [
        {
            "bin": NOW.replace(minute=0, second=0) - timedelta(minutes=15 * at),
            "batches": 9,
            "delivered": 1000 + at,
            "unique_count": 960,
            "duplicate_count": 30,
            "late_count": 6,
            "quarantined_count": 4 + at,
            "ignored_count": 0,
            "latency_p95_seconds": 1.5,
            "state_bytes": 9_000_000 + at,
            "longest_wait_seconds": 12,
        }
        for at in reversed(range(8))
    ]


def history() -> list[dict[str, Any]]:
    """What the watch has kept: a value each quarter of an hour of what the ledger does not tell."""
    kept = {"reconciliation_pct": (100.0, 100.0), "build_overdue_seconds": (0.0, 0.0)}
    kept |= {f"event_to_{what}_p95_seconds": (60.0, 84.0) for what in ("fraud_score", "reconciliation")}
    times = [NOW.replace(minute=0, second=0) - timedelta(minutes=15 * at) for at in reversed(range(96))]
    return [
        {"metric": metric, "bin": at, "least": least, "most": most + number % 7}
        if metric.startswith("event_to")
        else {"metric": metric, "bin": at, "least": least, "most": most}
        for metric, (least, most) in kept.items()
        for number, at in enumerate(times)
    ]


def rows() -> dict[str, list[dict[str, Any]]]:
    """Rows by section."""
    batch: dict[str, Any] = {
        "batch_id": 41,
        "delivered": 8099,
        "unique_count": 7900,
        "duplicate_count": 150,
        "late_count": 40,
    }
    batch |= {
        "quarantined_count": 9,
        "ignored_count": 0,
        "latency_p95_seconds": 1.5,
        "published_at": "2026-01-05T12:05:00Z",
    }
    return {
        statements.CONTROL: [{"last_batch_id": 41, "end_offsets": ENDS, "watermark": None, "digest": "ab" * 32}],
        statements.RECONCILIATION: [
            judged("reconciliation_batches", last_batch_id=41),
            judged("reconciliation_daily", row_count=1),
            judged("reconciliation_control_totals", pending_count=2),
        ],
        statements.COMPARED: [
            {
                "batch_id": 41,
                "end_offsets": ENDS,
                "newest_record_at": "2026-01-05T12:04:59Z",
                "newer_batches": 0,
                "newer_records": None,
            }
        ],
        statements.BINS: bins(),
        statements.BATCHES: [batch | {"digest": "cd" * 32}],
        statements.HEALTH: [
            {"metric": row["metric"], "value": "1.5", "target": row["target"], "status": "HEALTHY", "detail": None}
            for row in limits()
        ],
        statements.INCIDENTS: [],
        statements.QUARANTINE: [
            {"reason": "AMOUNT_MISSING", "records": 3, "newest_at": NOW, "samples": ["payment-events/0/17"]}
        ],
        statements.CONFLICTS: [
            {
                "published_offset": "payment-events/1/8",
                "published_currency": "JPY",
                "payloads": 2,
                "exposure_eur": "12.5",
                "last_payload_at": NOW,
                "open_count": 1,
                "open_eur": "12.5",
                "unvalued_count": 0,
            }
        ],
        statements.LATE: [{"currency": "KWD", "records": 6, "amount_minor": "738"}],
        statements.SENDERS: [
            {"source": "gateway", "reported_at": NOW, "newest_day": "2026-01-05", "records": 8099, "payments": 7900}
        ],
        statements.FRAUD: [
            {"day": "2026-01-05", "alerts": 2, "unlabelled": 1, "payments": 3, "amount_eur": "4099.9"},
        ],
        "deduplication": [
            {"hour": NOW, "delivered": 9, "duplicates": 1, "duplicate_rate_pct": "11.1", "status": "FAILING"}
        ],
        statements.LAG: [{"kafka_partition": 0, "published_up_to": 4100, "broker_ends_at": 4103, "lag": 3}],
        statements.HISTORY: history(),
        statements.COSTS: [{"day": "2026-01-05", "jobs": 7, "bytes_billed": 2**40}],
    }


def snapshot(**changed: list[dict[str, Any]]) -> Snapshot:
    """The day's snapshot, with other rows in some sections."""
    sections = {name: Section(plain_rows(each), stamp(NOW)) for name, each in (rows() | changed).items()}
    return Snapshot(stamp(NOW), UP, sections)


def without_warehouse(known: Snapshot) -> Snapshot:
    """The same, when the warehouse has gone away."""
    sections = {name: replace(section, trouble="not asked") for name, section in known.sections.items()}
    away = tuple(replace(part, answers=part.name != WAREHOUSE) for part in known.parts)
    return replace(known, parts=away, sections=sections)
