"""The rule for starting a run, over plain values."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestration.automation.backlog import Action, Attempts, FlightRecord, Published, decide
from spark_jobs.source.topic import TopicState

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TOPIC_ID = "topic-1"


def topic(latest: dict[int, int], earliest: dict[int, int] | None = None, topic_id: str = TOPIC_ID) -> TopicState:
    return TopicState("payment-events", topic_id, earliest or dict.fromkeys(latest, 0), latest)


def test_a_backlog_is_launched_with_its_size_in_the_reason() -> None:
    decision = decide(Published(TOPIC_ID, {0: 10, 1: 5}), topic({0: 12, 1: 8}), [], Attempts(), NOW)
    assert decision.action is Action.LAUNCH
    assert decision.lag == 5
    assert "5 records are waiting" in decision.reason


def test_the_run_key_holds_the_published_offsets_and_the_number_of_the_attempt() -> None:
    decision = decide(Published(TOPIC_ID, {1: 5, 0: 10}), topic({0: 12, 1: 8}), [], Attempts(), NOW)
    assert decision.run_key == "payment-events/topic-1/0:10,1:5/attempt-1"


def test_nothing_to_read_is_idle() -> None:
    decision = decide(Published(TOPIC_ID, {0: 12}), topic({0: 12}), [], Attempts(), NOW)
    assert (decision.action, decision.run_key) == (Action.IDLE, None)


def test_a_run_in_flight_means_wait_and_names_the_run() -> None:
    flight = [FlightRecord("abcdef0123456789", "STARTED")]
    decision = decide(Published(TOPIC_ID, {0: 10}), topic({0: 12}), flight, Attempts(), NOW)
    assert decision.action is Action.WAIT
    assert decision.blocking_run_id == "abcdef0123456789"
    assert "abcdef01 is STARTED" in decision.reason


def test_a_run_in_flight_comes_before_an_incident() -> None:
    flight = [FlightRecord("abcdef0123456789", "STARTED")]
    decision = decide(Published(TOPIC_ID, {0: 10}), topic({0: 12}, topic_id="other"), flight, Attempts(), NOW)
    assert decision.action is Action.WAIT


def test_before_the_first_run_the_lag_counts_from_the_oldest_record_kept() -> None:
    decision = decide(None, topic({0: 12}, earliest={0: 4}), [], Attempts(), NOW)
    assert (decision.action, decision.lag, decision.identity) == (Action.LAUNCH, 8, "nothing")


def test_a_partition_added_later_counts_from_its_beginning() -> None:
    decision = decide(Published(TOPIC_ID, {0: 12}), topic({0: 12, 1: 3}), [], Attempts(), NOW)
    assert (decision.action, decision.lag) == (Action.LAUNCH, 3)


@pytest.mark.parametrize(("failures", "seconds"), [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 600), (60, 600)])
def test_fruitless_runs_are_retried_after_a_growing_bounded_wait(failures: int, seconds: int) -> None:
    published, state = Published(TOPIC_ID, {0: 10}), topic({0: 12})
    attempts = Attempts(failures, NOW, "feedface")
    early = decide(published, state, [], attempts, NOW + timedelta(seconds=seconds - 1))
    assert early.action is Action.WAIT
    assert "the next try is in 1 s" in early.reason
    due = decide(published, state, [], attempts, NOW + timedelta(seconds=seconds))
    assert due.action is Action.LAUNCH
    assert due.run_key is not None
    assert due.run_key.endswith(f"/attempt-{failures + 1}")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        pytest.param(topic({0: 12}, topic_id="other"), "TOPIC_RECREATED", id="another topic of that name"),
        pytest.param(topic({0: 4}), "TOPIC_RECREATED", id="it ends before what is published"),
        pytest.param(topic({0: 20}, earliest={0: 15}), "OFFSETS_LOST", id="retention took unread records"),
    ],
)
def test_what_cannot_be_read_on_is_an_incident_that_is_launched_to_be_on_record(state: TopicState, words: str) -> None:
    decision = decide(Published(TOPIC_ID, {0: 10}), state, [], Attempts(), NOW)
    assert decision.action is Action.INCIDENT
    assert words in decision.reason
    assert decision.run_key is not None


def test_an_incident_is_not_launched_again_at_every_tick() -> None:
    attempts = Attempts(1, NOW, "feedface")
    decision = decide(Published(TOPIC_ID, {0: 10}), topic({0: 4}), [], attempts, NOW + timedelta(seconds=5))
    assert decision.action is Action.WAIT
