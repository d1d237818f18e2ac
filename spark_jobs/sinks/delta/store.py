"""Delta tables alone: the pipeline's state, and its fence, with no warehouse at all.

Belongs here: taking over, and what a run must know before its first batch. Does not belong here: a batch
(publisher), Delta beside the warehouse (mirror).
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from spark_jobs.deduplication.state import SLOT_MICROSECONDS
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.publishing.control import Control
from spark_jobs.reading.contracts import Contract
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.delta.publisher import (
    FENCED,
    OWN_TABLES,
    DeltaPublisher,
    control_in,
    open_tables,
    take_out_after,
    write_control,
)
from spark_jobs.sinks.delta.tables import (
    MAX_ATTEMPTS,
    METRICS,
    failures_as_incidents,
    open_table,
    query,
    schema_of,
    upgrade_table,
)
from spark_jobs.streaming.locations import Locations
from spark_jobs.streaming.state_seeds import kept_days, seeded_since, write_seeds
from spark_jobs.tables import catalog

_NEWEST = "select max(batch_id) as newest from t"


class DeltaStore:
    """Where Delta is the only sink."""

    def __init__(self, settings: JobSettings) -> None:
        self._settings = settings

    def prepare(self, contract: Contract) -> None:  # noqa: ARG002 - only a warehouse keeps contracts
        """Make missing tables, and bring older ones to this version."""
        with failures_as_incidents(self._settings):
            for table in (*OWN_TABLES, catalog.CONTROL, catalog.INCIDENTS):
                upgrade_table(self._settings, table)

    def read_control(self) -> Control | None:
        """The pipeline's row of pipeline_control."""
        with failures_as_incidents(self._settings):
            return control_in(open_table(self._settings, catalog.CONTROL), self._settings.pipeline)

    def raise_epoch(self, holder: str, first: Control) -> Control:
        """By compare-and-set on the control row."""

        def taken(now: Control | None) -> Control:
            if now is None:
                self._insist_on_a_beginning()
            before = now or first
            return replace(before, epoch=before.epoch + 1, holder=holder, updated_at=datetime.now(UTC))

        return self._set_control(taken)

    def sweep(self, control: Control) -> None:
        """Take out what runs that died have written of batches that they never committed."""
        with failures_as_incidents(self._settings):
            handles, now = open_tables(self._settings)
            if now is None or now.epoch != control.epoch:
                raise Incident(IncidentKind.FENCED, FENCED)
            for table in OWN_TABLES:
                take_out_after(handles[table], now.last_batch_id)

    def start_generation(self, control: Control, generation: str) -> None:
        """By compare-and-set on the control row."""

        def renewed(now: Control | None) -> Control:
            if now is None or now.epoch != control.epoch:
                raise Incident(IncidentKind.FENCED, FENCED)
            return replace(now, generation=generation, updated_at=datetime.now(UTC))

        self._set_control(renewed)

    def seed_state(self, control: Control, locations: Locations) -> int:
        """From the published payments."""
        if control.watermark is None:
            return 0
        with failures_as_incidents(self._settings):
            payments = open_table(self._settings, catalog.TRANSACTIONS)
            kept = kept_days(locations, self._settings.state_buckets, control.watermark)
            return write_seeds(
                _published_hashes(payments, seeded_since(control.watermark, kept)),
                self._settings.state_buckets,
                control.watermark,
                locations,
                delay=self._settings.watermark_microseconds,
                lookback=self._settings.lookback_microseconds,
                kept=kept,
            )

    def record(self, incident: Incident, epoch: int | None) -> None:
        """A row of pipeline_incidents for each range that it is about."""
        row: dict[str, Any] = {
            "incident_id": uuid.uuid4().hex,
            "pipeline": self._settings.pipeline,
            "kind": str(incident.kind),
            "detail": str(incident),
            "topic": self._settings.topic,
            "epoch": epoch,
            "occurred_at": datetime.now(UTC),
        }
        spans = [
            {"kafka_partition": partition, "start_offset": start, "end_offset": end}
            for partition, (start, end) in incident.ranges.items()
        ]
        rows = pa.Table.from_pylist([row | span for span in spans or [{}]], schema=schema_of(catalog.INCIDENTS))
        try:
            with failures_as_incidents(self._settings):
                write_deltalake(open_table(self._settings, catalog.INCIDENTS), rows, mode="append", schema_mode="merge")
        except Incident as unwritten:
            incident.add_note(f"It could not be recorded: {unwritten}")

    def publisher(self, control: Control) -> DeltaPublisher:
        """Batches from this state on."""
        return DeltaPublisher(self._settings, control)

    def _insist_on_a_beginning(self) -> None:
        """Without a control row a pipeline begins, or the row was lost: what is there would be taken out again."""
        [found] = [row for part in query(open_table(self._settings, METRICS), _NEWEST) for row in part.to_pylist()]
        if found["newest"] is not None:
            raise Incident(
                IncidentKind.DELTA_FAILED,
                f"{self._settings.delta_location} has batches up to {found['newest']} and no control row: it was lost. "
                "Nothing is published; restore all tables of one moment (docs/day-two.md).",
            )

    def _set_control(self, change: Callable[[Control | None], Control]) -> Control:
        with failures_as_incidents(self._settings):
            for attempt in range(1, MAX_ATTEMPTS + 1):
                table = open_table(self._settings, catalog.CONTROL)
                control = change(control_in(table, self._settings.pipeline))
                try:
                    write_control(table, control)
                except CommitFailedError:
                    if attempt == MAX_ATTEMPTS:
                        raise
                else:
                    return control
        raise AssertionError("unreachable")


def _published_hashes(payments: DeltaTable, since: datetime) -> Iterator[tuple[int, bytes]]:
    """Slots, each with the concatenated hashes of some of its ids."""
    for batch in query(payments, f"select transaction_id, event_time from t where event_time >= '{since.isoformat()}'"):
        by_slot: dict[int, list[bytes]] = {}
        times = batch["event_time"].cast(pa.int64()).to_pylist()
        for id_, time_ in zip(batch["transaction_id"].to_pylist(), times, strict=True):
            by_slot.setdefault(time_ // SLOT_MICROSECONDS, []).append(md5(id_.encode(), usedforsecurity=False).digest())
        yield from ((slot, b"".join(hashes)) for slot, hashes in by_slot.items())
