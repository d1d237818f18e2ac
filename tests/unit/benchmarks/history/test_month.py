from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.bytes.page import KEPT
from benchmarks.bytes.recorded import Recording, Statement, StoredTable, read
from benchmarks.bytes.volumes import HOURLY, LAWS
from benchmarks.history import month
from benchmarks.history.month import ALERTS, DAYS, EVENTS, FORMER, MART, MEMORY, NODES, HistoryRecorder
from spark_jobs.settings import read_job_settings

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HistoryRecorder:
    def table(name: str) -> Any:
        return SimpleNamespace(table_id=name.rpartition(".")[2], view_query="select 1")

    def counted(_client: Any, sql: str, _values: Any) -> list[dict[str, float]]:
        if ALERTS in sql:
            return [{"found": 0.02}]
        return [{"found": 1}, {"found": 800}, {"found": 400}] if MEMORY[0] in sql else [{"found": 1}, {"found": 3_600}]

    monkeypatch.setattr(month, "stored_table", lambda *_: StoredTable({"trait": "INT64"}, "day", 5, {"trait": 8.0}))
    monkeypatch.setattr(month, "run", counted)
    client: Any = SimpleNamespace(get_table=table)
    return HistoryRecorder(read_job_settings({}), client, tmp_path, NOON)


def kept() -> Recording:
    statements = (
        Statement("batch", "select 1", NOON),
        Statement("build", "select 2", NOON, (), f"model {MART}"),
        Statement("build", "select 3", NOON, (), f"model {FORMER[0]}"),
        Statement("check", "select 4", NOON, (), "test another"),
    )
    return Recording(
        NOON, {"payments": 1_000.0}, {FORMER[0]: StoredTable({})}, {"payment_flows": "select 5"}, statements
    )


def test_what_it_recorded_takes_the_place_of_what_was_there_and_leaves_the_rest(recorder: HistoryRecorder) -> None:
    recorder.statements = [Statement("hour", "select 6", NOON, (), f"model {MART}")]
    found = recorder.into(kept())
    assert [statement.sql for statement in found.statements] == ["select 1", "select 4", "select 6"]
    assert set(found.tables) == {MART, ALERTS, *MEMORY}
    assert set(found.views) >= {"payment_flows", "payment_fraud_current"}


def test_a_table_of_days_has_the_rows_of_one_of_its_days_for_each_payment_of_a_day(recorder: HistoryRecorder) -> None:
    tables = recorder.into(kept()).tables
    a_day = EVENTS / DAYS
    assert tables[MART].rows == 1_000
    assert tables[ALERTS].rows == 20, "of all payments"
    assert tables[MEMORY[0]].rows == round(1_000 * 600 / a_day), "the first day began in its midst"
    assert tables[MEMORY[1]].rows == round(1_000 * 3_600 / a_day), "on the last day most is known"


def test_payments_end_now_and_go_back_a_month(recorder: HistoryRecorder) -> None:
    moments = [datetime.fromisoformat(row["event_time"]) for row in recorder._payments()]
    assert len(moments) == EVENTS
    assert NOON - timedelta(days=DAYS) <= min(moments) < NOON - timedelta(days=DAYS - 1)
    assert NOON - timedelta(hours=1) < max(moments) <= NOON


def test_the_kept_recording_has_what_it_records_at_the_work_that_it_is() -> None:
    found = read(KEPT)
    works = {s.work for s in found.statements if (s.node or "").endswith(f" {MART}")}
    assert works >= {"rebuild", "build", "hour"}
    assert {s.node for s in found.statements if s.work == "hour"} <= {
        f"{kind} {name}" for kind in ("model", "test") for name in NODES
    }
    assert set(HOURLY) | set(MEMORY) <= set(LAWS)
    assert not set(FORMER) & set(found.tables)
    assert replace(found, statements=()).tables[MEMORY[1]].rows > found.units["payments"]
