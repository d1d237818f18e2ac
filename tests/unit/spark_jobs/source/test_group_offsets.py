"""The mirror of published offsets: it commits the newest, and never stands in a batch's way."""

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from kafka.errors import (
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    NoError,
    NotCoordinatorError,
)

from spark_jobs.source import group_offsets
from spark_jobs.source.group_offsets import MOST_TRIES, GroupOffsets


class Admin:
    """The part of an admin client that is used. It can be held, and made to refuse."""

    def __init__(self) -> None:
        self.committed: list[dict[int, int]] = []
        self.goes_on = threading.Event()
        self.asked = threading.Event()
        self.refusal: type[Exception] = NoError
        self.refusals: list[type[Exception]] = []
        self.closed = 0

    def alter_group_offsets(self, group: str, wanted: dict[Any, Any]) -> dict[Any, Any]:
        self.asked.set()
        assert self.goes_on.wait(30)
        assert group == "g"
        refusal = self.refusals.pop(0) if self.refusals else self.refusal
        if refusal is NoError:
            self.committed.append({at.partition: each.offset for at, each in wanted.items()})
        return dict.fromkeys(wanted, refusal)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_offsets, "RETRY_SECONDS", 0.0)


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Admin]:
    made = Admin()
    made.goes_on.set()
    monkeypatch.setattr(group_offsets, "admin_client", lambda _servers: made)
    yield made
    made.goes_on.set()


def test_what_is_published_is_committed_by_the_end_of_the_run(admin: Admin) -> None:
    with GroupOffsets("h:1", "t", "g") as mirror:
        mirror.publish({0: 5, 1: 7})
    assert admin.committed == [{0: 5, 1: 7}]
    assert admin.closed == 1


def test_a_batch_does_not_wait_and_of_what_came_meanwhile_the_newest_is_committed(admin: Admin) -> None:
    admin.goes_on.clear()
    with GroupOffsets("h:1", "t", "g") as mirror:
        mirror.publish({0: 1})
        assert admin.asked.wait(30)
        for offset in range(2, 100):
            mirror.publish({0: offset})
        admin.goes_on.set()
    assert admin.committed == [{0: 1}, {0: 99}]


def test_a_coordinator_that_is_not_there_yet_is_asked_again(admin: Admin, caplog: pytest.LogCaptureFixture) -> None:
    admin.refusals = [CoordinatorNotAvailableError, NotCoordinatorError]
    with caplog.at_level(logging.WARNING), GroupOffsets("h:1", "t", "g") as mirror:
        mirror.publish({0: 5})
    assert admin.committed == [{0: 5}]
    assert caplog.records == []


def test_tries_are_bounded(admin: Admin) -> None:
    admin.refusal = GroupAuthorizationFailedError
    with GroupOffsets("h:1", "t", "g") as mirror:
        mirror.publish({0: 5})
    assert admin.closed == MOST_TRIES


def test_a_refusal_is_one_line_until_a_commit_succeeds(admin: Admin, caplog: pytest.LogCaptureFixture) -> None:
    mirror = GroupOffsets("h:1", "t", "g")
    with caplog.at_level(logging.WARNING), mirror:
        admin.refusal = GroupAuthorizationFailedError
        for offset in range(3):
            admin.asked.clear()
            mirror.publish({0: offset})
            assert admin.asked.wait(30)
    assert len(caplog.records) == 1
    assert "Nothing else depends on it" in caplog.text
    assert admin.committed == []


def test_a_broker_that_is_away_is_a_line_too(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def away(_servers: str) -> None:
        raise KafkaConnectionError("nobody answers")

    monkeypatch.setattr(group_offsets, "admin_client", away)
    with caplog.at_level(logging.WARNING), GroupOffsets("h:1", "t", "g") as mirror:
        mirror.publish({0: 1})
    assert "nobody answers" in caplog.text


def test_without_a_group_nobody_is_asked(admin: Admin) -> None:
    with GroupOffsets("h:1", "t", "") as mirror:
        mirror.publish({0: 1})
    assert not admin.asked.is_set()
