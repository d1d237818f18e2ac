"""Whether the streaming job should run now: a pure decision over what was read.

Belongs here: the rule. Does not belong here: reading offsets or run records (backlog_reads), emitting requests
(sensors). A read that failed never reaches this module: it is an error of its reader, not "no data".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from spark_jobs.incidents import Incident
from spark_jobs.source.topic import TopicState, backlog, check_source

FIRST_BACKOFF_SECONDS = 15
MAX_BACKOFF_SECONDS = 600


class Action(StrEnum):
    """What to do. An INCIDENT is launched too: the run itself stops with it, loudly and on record."""

    LAUNCH = "launch"
    WAIT = "wait"
    IDLE = "idle"
    INCIDENT = "incident"


@dataclass(frozen=True, slots=True)
class Published:
    """What the warehouse's control row says is published, by partition: the offset after the last.

    `decisions` counts corrections and erasures. What is decided about quarantined records is not among them: they come
    back by the topic, in a batch.
    """

    topic_id: str
    end_offsets: dict[int, int]
    last_batch_id: int = 0
    decisions: int = 0


@dataclass(frozen=True, slots=True)
class FlightRecord:
    """A run that has not ended. `started_at` is when its process began, None before that."""

    run_id: str
    status: str
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempts:
    """Runs that started from the same published offsets and have ended: none of them moved the offsets."""

    count: int = 0
    last_ended_at: datetime | None = None
    last_run_id: str = ""


@dataclass(frozen=True, slots=True)
class BacklogDecision:
    """What to do and why, in words. `lag` is in records; `run_key` is set wherever a run would be right.

    `in_flight` are the runs that it waits for, the oldest first.
    """

    action: Action
    reason: str
    lag: int
    identity: str
    run_key: str | None = None
    in_flight: tuple[FlightRecord, ...] = ()

    @property
    def blocking_run_id(self) -> str | None:
        """The run that is at it already."""
        return self.in_flight[0].run_id if self.in_flight else None


def decide(
    published: Published | None,
    topic: TopicState,
    in_flight: Sequence[FlightRecord],
    attempts: Attempts,
    now: datetime,
) -> BacklogDecision:
    """The decision. A run in flight comes first, then the backlog or an incident, then the back-off.

    Args:
        published: None before the first run.
        topic: what the broker says.
        in_flight: runs that have not ended, the oldest first.
        attempts: runs that started from these very offsets and have ended.
        now: the time, with its zone.
    """
    lag = lag_of(published, topic)
    identity = identity_of(published)
    if in_flight:
        run = in_flight[0]
        reason = f"run {run.run_id[:8]} is {run.status} and still on it; {lag} records are waiting"
        return BacklogDecision(Action.WAIT, reason, lag, identity, in_flight=tuple(in_flight))
    trouble = find_trouble(published, topic)
    if not lag and not trouble:
        return BacklogDecision(Action.IDLE, f"everything is published up to {identity}", lag, identity)
    run_key = f"{topic.topic}/{topic.topic_id}/{identity}/attempt-{attempts.count + 1}"
    resumes_at = back_off_ends_at(attempts)
    if resumes_at and now < resumes_at:
        reason = (
            f"{attempts.count} runs from these offsets ended without publishing, the last was "
            f"{attempts.last_run_id[:8]}: the next try is in {(resumes_at - now).total_seconds():.0f} s; "
            f"{lag} records are waiting"
        )
        return BacklogDecision(Action.WAIT, reason, lag, identity, run_key)
    if trouble:
        return BacklogDecision(Action.INCIDENT, trouble, lag, identity, run_key)
    since = "and nothing is published yet" if published is None else f"after {identity}"
    return BacklogDecision(Action.LAUNCH, f"{lag} records are waiting {since}", lag, identity, run_key)


def lag_of(published: Published | None, topic: TopicState) -> int:
    """Records that the broker holds and the warehouse does not have."""
    return max(0, backlog(topic.earliest if published is None else published.end_offsets, topic))


def identity_of(published: Published | None) -> str:
    """The published offsets as one word: what a run that starts from them is tagged with."""
    ends = {} if published is None else published.end_offsets
    return ",".join(f"{partition}:{ends[partition]}" for partition in sorted(ends)) or "nothing"


def find_trouble(published: Published | None, topic: TopicState) -> str | None:
    """Why the next batch cannot start where the last one ended, in words; None where it can."""
    if published is None:
        return None
    try:
        check_source(published.end_offsets, published.topic_id, topic)
    except Incident as incident:
        return str(incident)
    return None


def back_off_ends_at(attempts: Attempts) -> datetime | None:
    """When the next attempt may start: after k fruitless runs 2^k times 15 s, ten minutes at most."""
    if not attempts.count or attempts.last_ended_at is None:
        return None
    seconds = min(FIRST_BACKOFF_SECONDS * 2 ** min(attempts.count, 10), MAX_BACKOFF_SECONDS)
    return attempts.last_ended_at + timedelta(seconds=seconds)
