"""Batches into Delta on a plain folder, beside a warehouse: once each, whenever the process dies."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from google.cloud.bigquery import Client

from spark_jobs.contract.payment_event import ERASED, WATERMARK_MICROSECONDS
from spark_jobs.contract.times import to_microseconds
from spark_jobs.crash_points import Point
from spark_jobs.incidents import Incident
from spark_jobs.publishing.batch import Batch, Interval
from spark_jobs.publishing.checks import report_of
from spark_jobs.publishing.control import Control
from spark_jobs.reading.contracts import contract_of_now
from spark_jobs.settings import DELTA, SINKS, JobSettings, read_job_settings
from spark_jobs.sinks.delta import erasures
from spark_jobs.sinks.delta import mirror as delta_mirror
from spark_jobs.sinks.delta import publisher as delta_publishing
from spark_jobs.sinks.delta import rows as delta_rows
from spark_jobs.sinks.delta.mirror import Mirror
from spark_jobs.sinks.delta.publisher import DeltaPublisher, open_tables, take_out_after
from spark_jobs.sinks.delta.store import DeltaStore
from spark_jobs.sinks.delta.tables import METRICS, append, conform, open_table, query
from spark_jobs.streaming import staged_files
from spark_jobs.streaming.tally import BucketTally, add_up, count_up
from spark_jobs.tables import catalog
from spark_jobs.tables.catalog import Table
from spark_jobs.tables.erasure_tables import BLANK_DELIVERY
from tests.unit.spark_jobs.batches import CONTROL, NOON

FIRST = replace(CONTROL, epoch=0, last_batch_id=0, end_offsets={0: 0}, watermark=None)
NOBODY = cast("Client", None)


class Died(Exception):
    """The process ends here."""


def dying_at(point: Point, visit: int) -> Callable[[Point], None]:
    visits: list[Point] = []

    def crash_point(at: Point) -> None:
        visits.append(at)
        if visits.count(point) == visit:
            raise Died

    return crash_point


@pytest.fixture
def settings(tmp_path: Path) -> JobSettings:
    return read_job_settings({"PAYMENTS_HOME": str(tmp_path), "SINKS": DELTA})


def staged(settings: JobSettings, control: Control, *records: tuple[str, str, datetime]) -> Batch:
    """The batch that follows on `control`, of (id, disposition, event time)."""
    start = control.end_offsets[0]
    rows = [
        {
            "kafka_partition": 0,
            "kafka_offset": start + n,
            "kafka_timestamp": NOON,
            "disposition": disposition,
            "reasons": [],
            "transaction_id": id_,
            "event_time": event_time,
            "currency": "EUR",
            "amount_minor": 100,
            "value_sha256": b"x" * 32,
        }
        for n, (id_, disposition, event_time) in enumerate(records)
    ]
    table = pa.Table.from_pylist(rows, schema=staged_files.STAGED_SCHEMA)
    partitions, amounts, percentiles = count_up(table)
    newest = max([(to_microseconds(control.watermark) or 0) + WATERMARK_MICROSECONDS, *map(_us, records)])
    bucket_tally = BucketTally(
        bucket=0,
        uri=staged_files.write(table, settings.staging_location),
        rows=len(rows),
        partitions=partitions,
        amounts=amounts,
        timestamp_percentiles=percentiles,
        watermark=to_microseconds(control.watermark),
        max_event_time=newest,
        state_keys=1,
        state_bytes=12,
    )
    return Batch(0, Interval({0: start}, {0: start + len(rows)}), add_up([bucket_tally]), NOON, 0.5)


def _us(record: tuple[str, str, datetime]) -> int:
    return to_microseconds(record[2]) or 0


def begin(settings: JobSettings, holder: str = "run1") -> DeltaPublisher:
    """A run, as far as its first batch."""
    store = DeltaStore(settings)
    store.prepare(contract_of_now())
    control = store.raise_epoch(holder, FIRST)
    store.sweep(control)
    return store.publisher(control)


def rows_in(settings: JobSettings, table: Table) -> list[dict[str, Any]]:
    return [row for batch in query(open_table(settings, table), "select * from t") for row in batch.to_pylist()]


def held(settings: JobSettings) -> tuple[list[int], list[str], list[int]]:
    """Offsets of the deliveries, ids of the payments, numbers of the batches."""
    return (
        sorted(row["kafka_offset"] for row in rows_in(settings, catalog.DELIVERIES)),
        sorted(row["transaction_id"] for row in rows_in(settings, catalog.TRANSACTIONS)),
        sorted(row["batch_id"] for row in rows_in(settings, METRICS)),
    )


def test_alone_what_another_run_has_written_since_is_not_taken_out(settings: JobSettings) -> None:
    """Looked at in this order, an epoch that is ours means that nothing in these tables is our successor's."""
    begin(settings)
    for table in (catalog.DELIVERIES, catalog.TRANSACTIONS):
        rows = conform(pa.Table.from_pylist([{"batch_id": 1}]), table)
        handles, _ = open_tables(settings)
        append(open_table(settings, table), rows, "payments", 1)
        take_out_after(handles[table], 0)
        assert [row["batch_id"] for row in rows_in(settings, table)] == [1]


def test_alone_a_run_that_is_overtaken_while_it_opens_the_tables_takes_nothing_out(
    settings: JobSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    overtaken = begin(settings)

    def meanwhile(settings: JobSettings, table: Table) -> DeltaTable:
        if table is catalog.DELIVERIES:
            monkeypatch.undo()
            DeltaStore(settings).raise_epoch("run2", FIRST)
            rows = conform(pa.Table.from_pylist([{"batch_id": 1}]), table)
            append(open_table(settings, table), rows, "payments", 1)
        return open_table(settings, table)

    monkeypatch.setattr(delta_publishing, "open_table", meanwhile)
    with pytest.raises(Incident, match="FENCED"):
        DeltaStore(settings).sweep(overtaken.control)
    assert [row["batch_id"] for row in rows_in(settings, catalog.DELIVERIES)] == [1]


@pytest.fixture
def beside(tmp_path: Path) -> JobSettings:
    return read_job_settings({"PAYMENTS_HOME": str(tmp_path), "SINKS": ",".join(SINKS)})


def committed(control: Control, batch: Batch) -> Control:
    """The control row once the warehouse has the batch."""
    return replace(
        control,
        last_batch_id=control.last_batch_id + 1,
        end_offsets=control.end_offsets | batch.interval.end,
        watermark=NOON - timedelta(hours=1),
    )


def test_beside_a_warehouse_a_batch_is_taken_from_its_staged_files(beside: JobSettings) -> None:
    batch = staged(beside, FIRST, ("a", "UNIQUE", NOON), ("a", "DUPLICATE", NOON))
    control = committed(FIRST, batch)
    report = report_of(batch, control, 0, 0)
    for _ in range(2):
        Mirror(NOBODY, beside).follow(batch, report, control)
    assert held(beside) == ([0, 1], ["a"], [1])


@pytest.mark.parametrize("visit", [1, 2])
def test_beside_a_warehouse_what_delta_lacks_is_read_from_there_table_by_table(
    beside: JobSettings, monkeypatch: pytest.MonkeyPatch, visit: int
) -> None:
    batch = staged(beside, FIRST, ("a", "UNIQUE", NOON), ("b", "UNIQUE", NOON))
    control = committed(FIRST, batch)
    report = report_of(batch, control, 0, 0)
    with monkeypatch.context() as patched:
        patched.setattr(delta_mirror, "crash_point", dying_at(Point.DELTA_BEGUN, visit))
        with pytest.raises(Died):
            Mirror(NOBODY, beside).follow(batch, report, control)
    in_warehouse = delta_rows.of_batch(delta_rows.staged(batch, beside.topic, 1), report, "digest")
    asked: list[Table] = []

    def published(_client: object, _settings: object, table: Table, after: int, through: int) -> pa.Table:
        assert (after, through) == (0, 1)
        asked.append(table)
        return in_warehouse[table]

    monkeypatch.setattr(delta_rows, "published", published)
    monkeypatch.setattr(delta_mirror, "run", lambda *_: [{"batch_id": 1, "delivered": 2}])
    Mirror(NOBODY, beside).catch_up(control)
    assert asked == list(in_warehouse)[visit:]
    assert held(beside) == ([0, 1], ["a", "b"], [1])


def test_beside_a_warehouse_corrections_are_followed_once_and_in_their_last_state(
    beside: JobSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = staged(beside, FIRST, ("a", "UNIQUE", NOON), ("b", "LATE", NOON))
    control = committed(FIRST, batch)
    mirror = Mirror(NOBODY, beside)
    mirror.follow(batch, report_of(batch, control, 0, 0), control)
    records = delta_rows.staged(batch, beside.topic, 1)
    decided = conform(records, catalog.TRANSACTIONS).append_column("payments_added", pa.array([-1, 1]))
    monkeypatch.setattr(delta_rows, "read", lambda *_, **__: decided)
    for _ in range(2):
        Mirror(NOBODY, beside).catch_up(replace(control, correction_count=2))
    assert held(beside) == ([0, 1], ["b"], [1])
    assert Mirror(NOBODY, beside).correction_count == 2


def test_beside_a_warehouse_an_erasure_is_followed_in_rows_and_files_whenever_the_process_dies(
    beside: JobSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = staged(beside, FIRST, ("leaver", "UNIQUE", NOON), ("leaver", "DUPLICATE", NOON), ("stays", "UNIQUE", NOON))
    control = committed(FIRST, batch)
    Mirror(NOBODY, beside).follow(batch, report_of(batch, control, 0, 0), control)
    records = conform(delta_rows.staged(batch, beside.topic, 1), catalog.DELIVERIES).slice(0, 2)
    blank = {name: pa.nulls(2) for name in BLANK_DELIVERY} | {"disposition": pa.array([ERASED, ERASED])}
    erased = conform(
        pa.table(dict(zip(records.column_names, records.columns, strict=True)) | blank), catalog.DELIVERIES
    )
    monkeypatch.setattr(delta_rows, "read", lambda *_, **__: erased)
    after = replace(control, erasure_count=1)
    with monkeypatch.context() as patched:
        patched.setattr(erasures, "append_once", _die)
        with pytest.raises(Died):
            Mirror(NOBODY, beside).catch_up(after)
    Mirror(NOBODY, beside).catch_up(after)
    monkeypatch.setattr(delta_rows, "read", _die)
    Mirror(NOBODY, beside).catch_up(after)
    rows = [
        row for part in query(open_table(beside, catalog.DELIVERIES), "select * from t") for row in part.to_pylist()
    ]
    given = {row["kafka_offset"]: (row["disposition"], row["transaction_id"]) for row in rows}
    assert given == {0: (ERASED, None), 1: (ERASED, None), 2: ("UNIQUE", "stays")}
    assert held(beside) == ([0, 1, 2], ["stays"], [1])
    files = list(Path(beside.delta_location.removeprefix("file://")).rglob("*.parquet"))
    assert files
    assert not [file for file in files if b"leaver" in file.read_bytes()]


def _die(*_args: object, **_options: object) -> None:
    raise Died
