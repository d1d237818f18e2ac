"""Latencies by second: counts, percentiles, minutes.

Belongs here: arithmetic over counts, and reading them from the warehouse. Does not belong here: traffic.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import connect, run

RESOLUTION_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Spread:
    """Latencies of the records that the broker took within one minute."""

    minute: int
    records: int
    p50: float
    p95: float
    p99: float
    worst: float


def spread(minute: int, counts: dict[float, int]) -> Spread:
    """Percentiles by nearest rank, from how many records had each latency."""
    total = sum(counts.values())
    ordered = sorted(counts.items())

    def at(share: float) -> float:
        seen = 0
        for seconds, count in ordered:
            seen += count
            if seen >= share * total:
                return seconds
        return ordered[-1][0]

    return Spread(minute, total, at(0.5), at(0.95), at(0.99), ordered[-1][0])


def merged(parts: Iterable[dict[float, int]]) -> dict[float, int]:
    """How many records had each latency, of all parts."""
    everything: Counter[float] = Counter()
    for counts in parts:
        everything.update(counts)
    return dict(everything)


def by_minute(settings: JobSettings, since: datetime) -> dict[int, dict[float, int]]:
    """Minute after `since` to latency in seconds to number of records, of all that is published."""
    rows = published(settings, since)
    minutes: dict[int, dict[float, int]] = {}
    for minute, steps, records in rows:
        minutes.setdefault(minute, {})[steps * RESOLUTION_SECONDS] = records
    return minutes


def published(settings: JobSettings, since: datetime) -> list[tuple[int, int, int]]:
    """(minute, latency in steps of RESOLUTION_SECONDS, records), counted by the warehouse."""
    sql = f"""
        select
            div(timestamp_diff(d.kafka_timestamp, @since, second), 60) as minute,
            div(timestamp_diff(l.published_at, d.kafka_timestamp, millisecond), 10) as steps,
            count(*) as records
        from `{table_id(settings, catalog.DELIVERIES)}` as d
        join `{table_id(settings, catalog.LEDGER)}` as l using (batch_id)
        where d.kafka_timestamp >= @since
        group by minute, steps
        """
    with connect(settings) as client:
        return [(row["minute"], row["steps"], row["records"]) for row in run(client, sql, {"since": since})]
