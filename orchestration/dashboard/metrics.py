"""The snapshot for Prometheus: names and meanings, once, for the endpoint and its documentation.

Belongs here: the list of metrics, and the text format. Does not belong here: serving it (server). No label holds an id,
an account or an address: labels are partitions, dispositions, metrics of the health, kinds and names of parts.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from orchestration.dashboard import statements
from orchestration.dashboard.answer import Verdict, answer
from orchestration.dashboard.model import Row, Snapshot, moment_of
from orchestration.dashboard.remedies import NEVER_OPEN, open_incidents
from spark_jobs.incidents import IncidentKind

type Labels = dict[str, str]
type Samples = Iterable[tuple[Labels, float]]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; all are gauges, for each is read from the warehouse, never counted here."""

    name: str
    meaning: str
    labels: str
    samples: Callable[[Snapshot, datetime], Samples]


def _seconds(text: str) -> float:
    return moment_of(text).timestamp()


def _parts(snapshot: Snapshot, _: datetime) -> Samples:
    return [({"part": part.name.removeprefix("The ")}, float(part.answers)) for part in snapshot.parts]


def _taken(snapshot: Snapshot, _: datetime) -> Samples:
    return [({}, _seconds(snapshot.taken_at))] if snapshot.parts else []


def _counted_once(snapshot: Snapshot, _: datetime) -> Samples:
    verdict = answer(snapshot).verdict
    return [] if verdict is Verdict.UNKNOWN else [({}, float(verdict is Verdict.YES))]


def _last_record(snapshot: Snapshot, _: datetime) -> Samples:
    rows = snapshot.rows(statements.BATCHES)
    return [({}, _seconds(rows[0]["published_at"]))] if rows else []


def _compared(snapshot: Snapshot, _: datetime) -> Samples:
    rows = snapshot.rows(statements.RECONCILIATION)
    return [({}, _seconds(max(row["judged_at"] for row in rows)))] if rows else []


def _known_rows(snapshot: Snapshot, name: str) -> tuple[Row, ...]:
    """None where they are not known now: a value of before would hold an alert up, or back."""
    section = snapshot.section(name)
    return () if section.trouble else section.rows


def _by_reconciliation(column: str) -> Callable[[Snapshot, datetime], Samples]:
    def samples(snapshot: Snapshot, _: datetime) -> Samples:
        sums: dict[str, float] = {}
        for row in _known_rows(snapshot, statements.RECONCILIATION):
            sums[row["reconciliation"]] = sums.get(row["reconciliation"], 0) + row[column]
        return [({"reconciliation": name}, total) for name, total in sorted(sums.items())]

    return samples


def _dispositions(snapshot: Snapshot, _: datetime) -> Samples:
    names = ("unique", "duplicate", "late", "quarantined", "ignored")
    bins = _known_rows(snapshot, statements.BINS)
    return [({"disposition": n.upper()}, float(sum(row[f"{n}_count"] for row in bins))) for n in names] if bins else []


def _health_values(snapshot: Snapshot, _: datetime) -> Samples:
    rows = [row for row in _known_rows(snapshot, statements.HEALTH) if row["value"] is not None]
    return [({"metric": row["metric"]}, float(row["value"])) for row in rows]


STATUS_NUMBERS = {"HEALTHY": 0, "UNWATCHED": 1, "DEGRADED": 2, "FAILING": 3}


def _health_statuses(snapshot: Snapshot, _: datetime) -> Samples:
    rows = _known_rows(snapshot, statements.HEALTH)
    return [({"metric": row["metric"]}, float(STATUS_NUMBERS.get(row["status"], 3))) for row in rows]


def _health_value(metric: str, scale: float = 1) -> Callable[[Snapshot, datetime], Samples]:
    def samples(snapshot: Snapshot, _: datetime) -> Samples:
        rows = [row for row in _known_rows(snapshot, statements.HEALTH) if row["metric"] == metric]
        return [({}, float(row["value"]) * scale) for row in rows if row["value"] is not None]

    return samples


def _of_partition(column: str) -> Callable[[Snapshot, datetime], Samples]:
    def samples(snapshot: Snapshot, _: datetime) -> Samples:
        rows = _known_rows(snapshot, statements.LAG)
        return [({"partition": str(row["kafka_partition"])}, float(row[column])) for row in rows]

    return samples


def _incidents(snapshot: Snapshot, _: datetime) -> Samples:
    section = snapshot.section(statements.INCIDENTS)
    if section.read_at is None or section.trouble:
        return []
    kinds = {row["kind"] for row in open_incidents(section.rows)}
    return [({"kind": kind}, float(kind in kinds)) for kind in sorted({*_OPENED, *kinds})]


_OPENED = {str(kind) for kind in IncidentKind if kind not in NEVER_OPEN}


def _last_incidents(snapshot: Snapshot, _: datetime) -> Samples:
    newest: dict[str, float] = {}
    for row in snapshot.rows(statements.INCIDENTS):
        newest[row["kind"]] = max(newest.get(row["kind"], 0.0), _seconds(row["occurred_at"]))
    return [({"kind": kind}, at) for kind, at in sorted(newest.items())]


def _conflicts(column: str) -> Callable[[Snapshot, datetime], Samples]:
    def samples(snapshot: Snapshot, _: datetime) -> Samples:
        section = snapshot.section(statements.CONFLICTS)
        if section.read_at is None or section.note or section.trouble:
            return []
        values = [row[column] for row in section.rows[:1]] or [0]
        return [({}, float(value)) for value in values if value is not None]

    return samples


METRICS = (
    Metric("payments_part_up", "1 where the part answered the last look, else 0.", "part", _parts),
    Metric("payments_snapshot_timestamp_seconds", "When the parts were last looked at.", "", _taken),
    Metric(
        "payments_counted_once",
        "1 where every comparison of the last build passes, 0 where one fails; no sample where that is not known now.",
        "",
        _counted_once,
    ),
    Metric(
        "payments_last_record_processed_timestamp_seconds",
        "When the newest batch of the last day was published.",
        "",
        _last_record,
    ),
    Metric(
        "payments_last_reconciliation_timestamp_seconds", "When the reconciliations were last counted.", "", _compared
    ),
    Metric(
        "payments_reconciliation_failed_comparisons",
        "Comparisons that fail.",
        "reconciliation",
        _by_reconciliation("failed_count"),
    ),
    Metric(
        "payments_reconciliation_pending_comparisons",
        "Comparisons that are not due yet.",
        "reconciliation",
        _by_reconciliation("pending_count"),
    ),
    Metric("payments_records_last_day", "Records published in the last 24 hours.", "disposition", _dispositions),
    Metric(
        "payments_health_value", "The value of a row of pipeline_health, in its own unit.", "metric", _health_values
    ),
    Metric(
        "payments_health_status",
        "Its status: 0 HEALTHY, 1 UNWATCHED, 2 DEGRADED, 3 FAILING.",
        "metric",
        _health_statuses,
    ),
    Metric("payments_state_bytes", "Size of the deduplication state.", "", _health_value("state_size_mb", 1e6)),
    Metric(
        "payments_duplicate_ratio",
        "Duplicates among the records of 24 hours.",
        "",
        _health_value("duplicate_rate_pct", 0.01),
    ),
    Metric(
        "payments_reconciliation_match_ratio",
        "Comparisons that pass among those that are due.",
        "",
        _health_value("reconciliation_pct", 0.01),
    ),
    Metric(
        "payments_event_to_warehouse_latency_p95_seconds",
        "Broker timestamp to publication, 95th percentile.",
        "",
        _health_value("event_to_warehouse_latency_p95_seconds"),
    ),
    Metric(
        "payments_event_to_fraud_score_p95_seconds",
        "Broker timestamp to the fraud score, 95th percentile.",
        "",
        _health_value("event_to_fraud_score_p95_seconds"),
    ),
    Metric(
        "payments_checkpoint_lag_seconds",
        "How long the broker has held what is not published.",
        "",
        _health_value("checkpoint_lag_seconds"),
    ),
    Metric(
        "payments_published_offset",
        "The offset after the last published.",
        "partition",
        _of_partition("published_up_to"),
    ),
    Metric(
        "payments_broker_offset",
        "The offset that the next record will get.",
        "partition",
        _of_partition("broker_ends_at"),
    ),
    Metric("payments_source_lag_records", "Records that wait.", "partition", _of_partition("lag")),
    Metric(
        "payments_open_incidents",
        "1 where nothing was published since an incident of the kind, and its loss not accepted, else 0.",
        "kind",
        _incidents,
    ),
    Metric(
        "payments_last_incident_timestamp_seconds",
        "When the newest incident of the kind occurred, within a week.",
        "kind",
        _last_incidents,
    ),
    Metric("payments_undecided_conflicts", "Payments with several payloads, undecided.", "", _conflicts("open_count")),
    Metric("payments_undecided_conflicts_euros", "The money at stake in them.", "", _conflicts("open_eur")),
)


def exposition(snapshot: Snapshot, now: datetime) -> str:
    """The text format, version 0.0.4. A metric of which nothing is known has no sample."""
    lines = []
    for metric in METRICS:
        lines += [f"# HELP {metric.name} {metric.meaning}", f"# TYPE {metric.name} gauge"]
        for labels, value in metric.samples(snapshot, now):
            inside = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            lines.append(f"{metric.name}{{{inside}}} {value!r}" if inside else f"{metric.name} {value!r}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def documented() -> str:
    """The table of docs/metrics.md."""
    rows = [f"| `{metric.name}` | {metric.labels or '-'} | {metric.meaning} |" for metric in METRICS]
    return "\n".join(["| name | label | what it is |", "|---|---|---|", *rows]) + "\n"
