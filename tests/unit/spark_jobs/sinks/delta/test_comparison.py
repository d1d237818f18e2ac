"""Delta beside the warehouse: that answers as of one moment, and a decision between the two is no difference."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any, cast

import pytest

from spark_jobs.publishing.control import Control
from spark_jobs.retention.kept import EVERYTHING, Kept, Mark
from spark_jobs.sinks.delta import comparison
from spark_jobs.sinks.delta.comparison import MAX_READINGS, QUESTIONS, compare
from tests.unit.spark_jobs.batches import CONTROL, SETTINGS

SESSION = "a session"


class Both:
    """A warehouse whose payments follow its corrections, and a Delta that has them; `moves` of them come in between.

    `asked` is what the warehouse was asked, `kept` what it keeps.
    """

    def __init__(self, moves: int, *, is_delta_behind: bool = False, kept: Kept = EVERYTHING) -> None:
        self.control = CONTROL
        self.kept = kept
        self.asked: list[str] = []
        self.moves, self.is_delta_behind = moves, is_delta_behind
        self.in_session = False
        self.readings = 0

    @contextmanager
    def snapshot(self, _client: object) -> Iterator[str]:
        self.in_session = True
        yield SESSION
        self.in_session = False

    def read_control(self, _client: object, _settings: object, session_id: str | None = None) -> Control:
        assert self.in_session is (session_id == SESSION)
        return self.control

    def read_kept(self, _client: object, _settings: object, session_id: str) -> Kept:
        assert self.in_session
        assert session_id == SESSION
        return self.kept

    def run(self, _client: object, sql: str, _values: object, session_id: str) -> list[dict[str, Any]]:
        self.asked.append(sql)
        assert self.in_session
        assert session_id == SESSION
        return [{"corrections": self.control.correction_count}]

    def of_delta(self, _spark: object, _settings: object, newest: int, kept: Kept) -> dict[str, set[tuple[Any, ...]]]:
        assert not self.in_session
        assert kept is self.kept
        assert newest == CONTROL.last_batch_id
        self.readings += 1
        if self.readings <= self.moves:
            self.control = replace(self.control, correction_count=self.control.correction_count + 1)
        return {about: {(self.control.correction_count - self.is_delta_behind,)} for about in QUESTIONS}


def compared(patch: pytest.MonkeyPatch, both: Both) -> comparison.Comparison:
    for name in ("snapshot", "read_control", "read_kept", "run"):
        patch.setattr(comparison, name, getattr(both, name))
    patch.setattr(comparison, "_of_delta", both.of_delta)
    return compare(cast("Any", None), cast("Any", None), SETTINGS)


def test_the_warehouse_is_asked_in_one_session_and_once_where_nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Both(moves=0)
    assert compared(monkeypatch, both).agrees
    assert both.readings == 1


def test_a_correction_between_the_two_is_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Both(moves=1)
    assert compared(monkeypatch, both).agrees
    assert both.readings == 2


def test_a_difference_is_one_however_often_both_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    still = Both(moves=0, is_delta_behind=True)
    assert not compared(monkeypatch, still).agrees
    assert still.readings == 1
    moving = Both(moves=99)
    assert not compared(monkeypatch, moving).agrees
    assert moving.readings == MAX_READINGS


def test_of_days_that_have_expired_in_the_warehouse_neither_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(deliveries=Mark(date(2026, 11, 20), 7), payments=Mark(date(2026, 11, 1), 5))
    both = Both(moves=0, kept=kept)
    assert compared(monkeypatch, both).agrees
    conditions = {
        "deliveries": "coalesce(kafka_timestamp >= timestamp '2026-11-20 00:00:00+00:00' or batch_id > 7, true)",
        "payments": "coalesce(event_time >= timestamp '2026-11-01 00:00:00+00:00' or batch_id > 5, true)",
    }
    for about, sql in zip(QUESTIONS, both.asked, strict=True):
        named = [condition for condition in conditions.values() if condition in sql]
        assert named == ([conditions[about]] if about in conditions else []), about
