"""What one published micro-batch reports to whoever drives the drain: plain numbers, no Spark, no Dagster.

Belongs here: the report's fields and their names as metadata. These names are stable: the UI plots them over time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class BatchReport:
    """One published micro-batch. Times are UTC, durations are seconds, offsets are by partition."""

    batch_id: int
    spark_batch_id: int
    generation: str
    epoch: int
    start_offsets: dict[int, int]
    end_offsets: dict[int, int]
    delivered: int
    unique: int
    duplicate: int
    late: int
    quarantined: int
    watermark: datetime | None
    next_watermark: datetime | None
    latency_p50_seconds: float
    latency_p95_seconds: float
    state_keys: int
    state_bytes: int
    process_seconds: float
    load_seconds: float
    transaction_seconds: float
    published_at: datetime
    erased: int = 0
    """Of the delivered, those whose id was erased before; the other counts say what they were tagged as."""
    ignored: int = 0
    ignored_by_rule: Mapping[str, int] = field(default_factory=dict)
    contract_version: str | None = None
    """The contract that its records were judged by."""
    watermark_minutes: int | None = None
    """How far the next watermark trails the greatest event_time."""
    holes: int = 0
    """Offsets without a record."""

    @property
    def batch_seconds(self) -> float:
        """From the start of the batch to its commit."""
        return self.process_seconds + self.load_seconds + self.transaction_seconds

    @property
    def events_per_second(self) -> float:
        """Records published per second of this batch."""
        return self.delivered / self.batch_seconds if self.batch_seconds else 0.0

    def metrics(self) -> dict[str, int | float]:
        """Numbers under stable names."""
        return {
            "delivered": self.delivered,
            "unique": self.unique,
            "duplicate": self.duplicate,
            "late": self.late,
            "quarantined": self.quarantined,
            "ignored": self.ignored,
            "erased": self.erased,
            "holes": self.holes,
            "events_per_second": round(self.events_per_second, 1),
            "latency_p50_seconds": round(self.latency_p50_seconds, 3),
            "latency_p95_seconds": round(self.latency_p95_seconds, 3),
            "state_keys": self.state_keys,
            "state_bytes": self.state_bytes,
            "process_seconds": round(self.process_seconds, 3),
            "load_seconds": round(self.load_seconds, 3),
            "transaction_seconds": round(self.transaction_seconds, 3),
            "batch_seconds": round(self.batch_seconds, 3),
        }
