"""Which session a read belongs to, and what stands for a view that was never built."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from google.api_core.exceptions import BadRequest, NotFound

from orchestration.settings import read_stack_settings
from orchestration.verification import proof
from orchestration.verification.audit_reads import days_of
from orchestration.verification.warehouse_reads import WarehouseReads
from spark_jobs.retention import marks
from spark_jobs.tables.row_types import Row
from spark_jobs.warehouse import client, snapshot

JOB = read_stack_settings({}).job


class Asked:
    """Stands for the warehouse: notes the session of each query."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sessions: list[str | None] = []
        self.statements: list[str] = []
        self.opened = self.ended = 0
        monkeypatch.setattr(client, "run", self.run)
        monkeypatch.setattr(marks, "run", self.run)
        monkeypatch.setattr(snapshot, "snapshot", self.snapshot)

    def run(self, _client: object, sql: str, _parameters: Row, session_id: str | None = None) -> list[Row]:
        self.sessions.append(session_id)
        self.statements.append(sql)
        return []

    @contextmanager
    def snapshot(self, _client: object) -> Iterator[str]:
        self.opened += 1
        try:
            yield f"session {self.opened}"
        finally:
            self.ended += 1


def test_a_proof_reads_everything_but_seals_in_one_session_and_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    monkeypatch.setattr(proof, "_broken_seals", lambda *_: [])
    proof.judge(None, JOB, None)  # type: ignore[arg-type]
    assert len(asked.sessions) > 20
    assert set(asked.sessions) == {"session 1"}
    assert (asked.opened, asked.ended) == (1, 1)


def test_a_session_ends_although_a_read_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    with pytest.raises(RuntimeError, match="lost"):
        _lose_a_read()
    assert (asked.opened, asked.ended) == (1, 1)


def _lose_a_read() -> None:
    with WarehouseReads(None, JOB).at_one_moment() as reads:  # type: ignore[arg-type]
        days_of(reads)
        raise RuntimeError("lost")


def test_a_single_read_needs_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(monkeypatch)
    assert WarehouseReads(None, JOB).newest_batch() is None  # type: ignore[arg-type]
    assert (asked.sessions, asked.opened) == ([None, None], 0)


def test_the_newest_batch_is_looked_for_in_a_week_and_only_then_in_the_whole_ledger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked(monkeypatch)
    WarehouseReads(None, JOB).newest_batch()  # type: ignore[arg-type]
    assert ["published_at >= timestamp_sub(" in sql for sql in asked.statements] == [True, False]


class Tables:
    """Stands for a client that is asked for one table."""

    def __init__(self, is_built: bool) -> None:
        self.is_built = is_built

    def get_table(self, name: str, **_bounds: object) -> str:
        if not self.is_built:
            raise NotFound(name)  # type: ignore[no-untyped-call]
        return name


def test_health_that_was_never_built_has_no_rows_and_health_that_cannot_be_read_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(_client: object, _sql: str, _parameters: Row, session_id: str | None = None) -> list[Row]:
        raise BadRequest(f"a table below it is gone {session_id}")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(client, "run", run)
    assert WarehouseReads(Tables(is_built=False), JOB).health_rows() == []  # type: ignore[arg-type]
    with pytest.raises(BadRequest):
        WarehouseReads(Tables(is_built=True), JOB).health_rows()  # type: ignore[arg-type]
