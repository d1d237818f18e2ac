"""Whether dbt's models should be built now: after something new was published or decided, but not too often.

Belongs here: the rule and the reads it needs: Dagster's own records and, once these have nothing new, the control row.
Does not belong here: the request (sensors). A failed build is tried again for the same batch and the same decisions a
few times, then only for newer ones. Fraud scores are built by a part of the builds, so where no batch comes any more,
one build follows the last batch once they are due: else its payments would have none until the next.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import dagster as dg

from orchestration import names
from orchestration.automation.backlog import FlightRecord, Published
from orchestration.automation.run_records import good_runs, runs_in_flight
from orchestration.settings import DBT_PROJECT_DIR

MAX_ATTEMPTS = 3
LARGEST_SHARE = 4
"""While the stream is at work, builds take one part in so many of the time: more would leave it nothing."""

SLOWER_AT_MOST = 1.5
"""So many times the last one's duration are kept free for the next build: it ends in time although it is slower."""

_BUILT_TAGS = (names.BUILT_BATCH_TAG, names.BUILT_DECISIONS_TAG)

WARM_UP = timedelta(seconds=45)
"""How long a run that is to stand by starts and warms up: as much work as a build, and not both at once."""


@dataclass(frozen=True, slots=True)
class RebuildState:
    """`newest_batch` is the newest published batch, `built_batch` that of the last good build; 0 for none.

    `decisions` is how many there are, `built_decisions` how many the last good build has seen: not read, and alike,
    where a batch is new. `attempts` counts the builds of just that batch and those decisions.

    `last_seconds` is how long the last build took, 0 where there was none. `stream` are the runs of the streaming job
    that have not ended, the oldest first. `scores_due_at` is when all of the newest batch is to have its fraud score;
    None where a good build has begun since, and so where each build makes them.
    """

    newest_batch: int
    built_batch: int
    attempts: int
    in_flight_run_id: str | None
    last_started_at: datetime | None
    last_seconds: float = 0.0
    stream: tuple[FlightRecord, ...] = ()
    decisions: int = 0
    built_decisions: int = 0
    scores_due_at: datetime | None = None

    @property
    def is_batch_new(self) -> bool:
        """Another than the built one, be it of a smaller number: a dataset that was restored counts them again."""
        return self.newest_batch not in (0, self.built_batch)

    @property
    def is_anything_new(self) -> bool:
        """A batch or a decision."""
        return self.is_batch_new or self.decisions > self.built_decisions

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the run that builds this."""
        decided = {} if self.is_batch_new else {names.BUILT_DECISIONS_TAG: str(self.decisions)}
        scored = {} if self.is_anything_new else {names.BUILT_SCORES_TAG: "all"}
        return {names.BUILT_BATCH_TAG: str(self.newest_batch)} | decided | scored


@dataclass(frozen=True, slots=True)
class RebuildDecision:
    """Why, in words, and the key of the run to request; None for no run."""

    reason: str
    run_key: str | None = None


def decide_rebuild(state: RebuildState, interval_seconds: int, due_seconds: int, now: datetime) -> RebuildDecision:
    """The decision of this moment.

    Args:
        state: what was read.
        interval_seconds: builds begin at least so far apart.
        due_seconds: what is published is to be in the marts within so long.
        now: the time, with its zone.
    """
    if state.in_flight_run_id:
        return RebuildDecision(f"run {state.in_flight_run_id[:8]} is still building")
    are_scores_due = state.scores_due_at is not None and now >= state.scores_due_at
    if not state.is_anything_new and not are_scores_due:
        return RebuildDecision(f"nothing new since batch {state.built_batch} and decision {state.built_decisions}")
    is_decided = state.is_anything_new and not state.is_batch_new
    new = f"decision {state.decisions}" if is_decided else f"batch {state.newest_batch}"
    if state.attempts >= MAX_ATTEMPTS:
        return RebuildDecision(f"{state.attempts} builds after {new} failed: waiting for the next")
    if _is_warming_up(state.stream, now):
        return RebuildDecision(f"run {state.stream[-1].run_id[:8]} is warming up to stand by")
    every_seconds = seconds_between(state, interval_seconds, due_seconds)
    age_seconds = (now - state.last_started_at).total_seconds() if state.last_started_at else every_seconds
    if age_seconds < every_seconds:
        return RebuildDecision(f"the last build began {age_seconds:.0f} s ago; one is due every {every_seconds:.0f} s")
    return RebuildDecision(*_wanted(state))


def _wanted(state: RebuildState) -> tuple[str, str]:
    """Why it is built now, and the key of the run."""
    batch, attempt = state.newest_batch, f"attempt-{state.attempts + 1}"
    if state.is_batch_new:
        return f"batch {batch} is new", f"batch-{batch}/{attempt}"
    if state.is_anything_new:
        return f"decision {state.decisions} is new", f"batch-{batch}/decision-{state.decisions}/{attempt}"
    return f"fraud scores of batch {batch} are due", f"batch-{batch}/scores/{attempt}"


def seconds_between(state: RebuildState, interval_seconds: int, due_seconds: int) -> float:
    """How far apart builds begin.

    At rest: the interval. While the stream is at work so far that builds take a quarter of the time, but never so far
    that a payment published right after one build began were not in the marts in time, by the end of the next.
    """
    if not state.stream:
        return interval_seconds
    latest = due_seconds - SLOWER_AT_MOST * state.last_seconds
    return max(interval_seconds, min(LARGEST_SHARE * state.last_seconds, latest))


def read_rebuild_state(instance: dg.DagsterInstance, read_published: Callable[[], Published | None]) -> RebuildState:
    """From the materializations of payment_deliveries and the records of earlier builds.

    Args:
        instance: Dagster's records. Of a topic at rest they may be deleted by now, or be another home's.
        read_published: asks the control row, which costs a query: only where no batch is new and no build goes on.
    """
    newest, newest_at = _newest(instance)
    in_flight = runs_in_flight(instance, names.BUILD_JOB)
    built = good_runs(instance, names.BUILD_JOB, limit=1)
    seen = {tag: int(built[0].dagster_run.tags.get(tag, 0)) if built else 0 for tag in _BUILT_TAGS}
    scores_due_at = newest_at + scores_every() if newest_at and scores_every() else None
    if not built or (scores_due_at and _began(built[0]) >= scores_due_at):
        scores_due_at = None
    built_batch, built_decisions = seen[names.BUILT_BATCH_TAG], seen[names.BUILT_DECISIONS_TAG]
    decisions = built_decisions
    if newest in (0, built_batch) and not in_flight:
        published = read_published()
        # A dataset that was restored ends before what is on record of it, and has its marts.
        newest = max(newest, published.last_batch_id if published else 0)
        decisions = published.decisions if published else 0
    last = instance.get_run_records(dg.RunsFilter(job_name=names.BUILD_JOB), limit=1)
    state = RebuildState(
        newest_batch=newest,
        built_batch=built_batch,
        attempts=0,
        in_flight_run_id=in_flight[0].run_id if in_flight else None,
        last_started_at=_began(last[0]) if last else None,
        last_seconds=_seconds(last[0]) if last else 0.0,
        stream=tuple(runs_in_flight(instance, names.PROCESS_JOB)),
        decisions=decisions,
        built_decisions=built_decisions,
        scores_due_at=scores_due_at,
    )
    tried = dg.RunsFilter(job_name=names.BUILD_JOB, tags=state.tags)
    return replace(state, attempts=instance.get_runs_count(tried))


def _is_warming_up(stream: tuple[FlightRecord, ...], now: datetime) -> bool:
    if len(stream) < 2:
        return False
    started_at = stream[-1].started_at
    return started_at is None or now - started_at < WARM_UP


def _seconds(record: dg.RunRecord) -> float:
    return record.end_time - record.start_time if record.end_time and record.start_time else 0.0


def _began(record: dg.RunRecord) -> datetime:
    return record.create_timestamp.replace(tzinfo=UTC)


def newest_batch(instance: dg.DagsterInstance) -> int:
    """The batch that was recorded last; 0 before the first."""
    return _newest(instance)[0]


def _newest(instance: dg.DagsterInstance) -> tuple[int, datetime | None]:
    """The batch that was recorded last, and when; 0 before the first."""
    found = instance.fetch_materializations(names.DELIVERIES, limit=20)
    batches = (
        (event.asset_materialization.metadata["batch_id"].value, event.timestamp)
        for event in found.records
        if event.asset_materialization and "batch_id" in event.asset_materialization.metadata
    )
    return next(((int(str(batch)), datetime.fromtimestamp(at, UTC)) for batch, at in batches), (0, None))


@cache
def scores_every() -> timedelta:
    """How often fraud scores are built at most, by the variable of dbt's project; 0: by each build."""
    text = (DBT_PROJECT_DIR / "dbt_project.yml").read_text()
    found = re.search(r"^ +fraud_build_minutes: (\d+)", text, re.MULTILINE)
    return timedelta(minutes=int(found[1]) if found else 0)
