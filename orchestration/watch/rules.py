"""By when each watched thing has to move: pure decisions over what one look saw, and what the look before it saw.

Belongs here: the rules. Does not belong here: looking (look), keeping what was seen (table), judging overdue seconds
against limits (dbt's marts). What is as it should be has no due time: it is judged again by the next look. After a
pause of the watch all due times begin anew, so that a start is no alarm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from orchestration.automation.backlog import Published, find_trouble, identity_of, lag_of
from spark_jobs.source.open_transactions import OpenTransaction
from spark_jobs.source.topic import TopicState

WATCH = "observation_overdue_seconds"
BROKER = "broker_overdue_seconds"
PUBLICATION = "publication_overdue_seconds"
LAG = "checkpoint_lag_seconds"
SENSOR = "sensor_overdue_seconds"
BUILD = "build_overdue_seconds"
TRANSACTION = "open_transaction_overdue_seconds"
CHECK = "red_check_overdue_seconds"
FRAUD_SCORE = "event_to_fraud_score_p95_seconds"
RECONCILIATION = "event_to_reconciliation_p95_seconds"

LOOK_EVERY = timedelta(minutes=1)
WARM_UP = timedelta(minutes=5)
"""What was published sooner after the watch began says how cold the start was, not how late payments are."""

TRANSACTION_DUE = timedelta(minutes=15)
"""The longest that a broker lets a transaction last, unless it is set otherwise (transaction.max.timeout.ms)."""

SEALS = "seals"
"""What is looked at of them is told as a build is: their own row, of the same metric."""

NIGHTLY_DUE = timedelta(hours=26)
"""What is done once a night is done again within this time, also after a start: two hours are room for a long run."""

SEALS_ASKED_EVERY = timedelta(hours=1)
"""How often the seals are asked for: they change once a night."""

MEASURED_FOR = timedelta(minutes=15)
"""How long the freshness that a build came to is shown: an idle topic is not late."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One row of pipeline_observations."""

    metric: str
    subject: str
    state: str
    since: datetime
    due_at: datetime | None
    measured_seconds: int
    detail: str
    observed_at: datetime


type Before = Mapping[tuple[str, str], Observation]
"""What the look before saw, by metric and subject; empty where the watch begins."""


@dataclass(frozen=True, slots=True)
class DueTimes:
    """How long each thing may take."""

    publication: timedelta
    build: timedelta
    silence: timedelta


@dataclass(frozen=True, slots=True)
class SensorSeen:
    """A sensor as Dagster knows it. `ticked_at` is when a tick last ended well; None where that is not known now."""

    name: str
    ticked_at: datetime | None
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class RedCheck:
    """A check that was red when it was last made."""

    name: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class BuildSeen:
    """The newest good build of dbt's models: what it added, and when its parts were ready.

    `decisions` is how many there were before it began.
    """

    run_id: str
    built_batch: int
    batch_before: int
    started_at: datetime
    scored_at: datetime
    ended_at: datetime
    decisions: int = 0


@dataclass(frozen=True, slots=True)
class NightSeen:
    """A nightly job, and when its newest good run ended; None where Dagster knows of none."""

    job: str
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SealsSeen:
    """The newest sealed day, and when that was asked. The next day has to be sealed by `due_at`, if that is known."""

    newest: date
    asked_at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Seen:
    """All that one look saw. `topic` is None where the broker did not answer, and `broker` says what it did.

    `seconds_to_build_end` is, of the batches that the newest build added, the greatest 95th percentile of the time from
    the broker's timestamp to the build's end; None where it added none that count, or was measured already.
    `transactions` are those that are open, and that records wait for. `seals` is None where no day expires. Of
    `red_checks` no run fails.
    """

    published: Published | None
    last_batch: int
    topic: TopicState | None
    broker: str
    sensors: Sequence[SensorSeen]
    build: BuildSeen | None
    seconds_to_build_end: int | None = None
    transactions: Sequence[OpenTransaction] = ()
    seals: SealsSeen | None = None
    red_checks: Sequence[RedCheck] = ()
    nights: Sequence[NightSeen] = ()


def continued(before: Sequence[Observation], now: datetime) -> Before:
    """What was seen before, unless that is too long ago to go on from."""
    watch = next((row for row in before if row.metric == WATCH), None)
    if watch is None or watch.due_at is None or now > watch.due_at:
        return {}
    return {(row.metric, row.subject): row for row in before if row.observed_at == watch.observed_at}


def watching_since(before: Before, now: datetime) -> datetime:
    """Since when the watch has gone on without a pause."""
    return next((row.since for row in before.values() if row.metric == WATCH), now)


def observe(seen: Seen, before: Before, due: DueTimes, now: datetime) -> list[Observation]:
    """Every row of this look."""
    begun = watching_since(before, now)
    watch = Observation(WATCH, "watch", "", begun, now + LOOK_EVERY + due.silence, 0, "looks every minute", now)
    return [
        watch,
        _broker(seen, before, due, now),
        *_stream(seen, before, due, now),
        *_transactions(seen, before, now),
        *(_sensor(sensor, before, due, begun, now) for sensor in seen.sensors),
        _build(seen, before, due, now),
        *_seals(seen, begun, now),
        *(_night(night, begun, now) for night in seen.nights),
        *_checks(seen, now),
        *_freshness(seen, before, now),
    ]


def _broker(seen: Seen, before: Before, due: DueTimes, now: datetime) -> Observation:
    old = before.get((BROKER, "kafka"))
    if seen.topic is not None:
        return Observation(BROKER, "kafka", "", now, None, 0, seen.broker, now)
    since = old.since if old else now
    return Observation(BROKER, "kafka", "", since, since + due.silence, 0, seen.broker, now)


def _stream(seen: Seen, before: Before, due: DueTimes, now: datetime) -> list[Observation]:
    """Overdue: no publication while records wait. Lag: since when the warehouse has not had all that there is."""
    state = identity_of(seen.published)
    publication, behind = before.get((PUBLICATION, "stream")), before.get((LAG, "stream"))
    if seen.topic is None:
        # What waits there is not known, and the broker's own row says why.
        detail = "not known: the broker does not answer"
        unknown = Observation(PUBLICATION, "stream", state, now, None, 0, detail, now)
        return [unknown, replace(behind or replace(unknown, metric=LAG), observed_at=now)]
    waiting = lag_of(seen.published, seen.topic)
    trouble = find_trouble(seen.published, seen.topic)
    if not waiting and not trouble:
        done = Observation(PUBLICATION, "stream", state, now, None, 0, "everything is published", now)
        return [done, replace(done, metric=LAG)]
    detail = trouble or f"{waiting} records wait after {state}"
    since = publication.since if publication and publication.due_at and publication.state == state else now
    lag_since = behind.due_at if behind and behind.due_at else now
    return [
        Observation(PUBLICATION, "stream", state, since, since + due.publication, 0, detail, now),
        Observation(LAG, "stream", state, lag_since, lag_since, 0, detail, now),
    ]


def _transactions(seen: Seen, before: Before, now: datetime) -> list[Observation]:
    """Overdue: a transaction that its broker should have aborted. Until then what waits for it waits as it should."""
    if not seen.transactions:
        detail = "no transaction is open" if seen.topic else "not known: the broker does not answer"
        return [Observation(TRANSACTION, "topic", "", now, None, 0, detail, now)]
    rows = []
    for transaction in seen.transactions:
        subject, state = f"partition {transaction.partition}", str(transaction.first_offset)
        old = before.get((TRANSACTION, subject))
        since = transaction.since or (old.since if old and old.state == state else now)
        known = replace(transaction, since=since)
        rows.append(
            Observation(TRANSACTION, subject, state, since, since + TRANSACTION_DUE, 0, known.describe(now), now)
        )
    return rows


def _sensor(sensor: SensorSeen, before: Before, due: DueTimes, begun: datetime, now: datetime) -> Observation:
    old = before.get((SENSOR, sensor.name))
    known = (sensor.ticked_at, old.since if old else None, begun)
    since = max(moment for moment in known if moment is not None)
    due_at = since + due.silence
    if not sensor.is_on:
        return Observation(SENSOR, sensor.name, "", now, None, 0, f"{sensor.name} is switched off in Dagster", now)
    is_late = now > due_at
    detail = f"{sensor.name} has had no good tick since {since:%Y-%m-%d %H:%M:%S} UTC" if is_late else "it ticks"
    return Observation(SENSOR, sensor.name, "", since, due_at if is_late else None, 0, detail, now)


def _build(seen: Seen, before: Before, due: DueTimes, now: datetime) -> Observation:
    """Overdue: a batch or a decision is not in the marts. Counted from when that was seen, or that build's start."""
    built, counted = (seen.build.built_batch, seen.build.decisions) if seen.build else (0, 0)
    state, decisions = f"{built}/{counted}", seen.published.decisions if seen.published else 0
    lacking = [f"batches {built + 1} to {seen.last_batch}"] if seen.last_batch > built else []
    lacking += [f"decisions {counted + 1} to {decisions}"] if decisions > counted else []
    old = before.get((BUILD, "marts"))
    was_behind = old is not None and old.due_at is not None
    if not lacking:
        detail = f"everything is built up to batch {built}"
        return Observation(BUILD, "marts", state, now, None, 0, detail, now)
    since = now
    if old and was_behind:
        # Behind another build than before: what this one left out came after it began.
        since = old.since if old.state == state or seen.build is None else max(old.since, seen.build.started_at)
    detail = f"{' and '.join(lacking)} are not built"
    return Observation(BUILD, "marts", state, since, since + due.build, 0, detail, now)


def _seals(seen: Seen, begun: datetime, now: datetime) -> list[Observation]:
    """Overdue: half of the time is over for which a day is kept, and it is not sealed. Unsealed it does not expire."""
    if seen.seals is None:
        return []
    newest, asked_at, due_at = seen.seals.newest, seen.seals.asked_at, seen.seals.due_at
    detail = f"days are sealed up to {newest}"
    if due_at is not None:
        due_at = max(due_at, begun + NIGHTLY_DUE)
        detail += ", and the next one is over: until it is sealed, no day after it expires (`payments seal`)"
    return [Observation(BUILD, SEALS, newest.isoformat(), asked_at, due_at, 0, detail, now)]


def _night(night: NightSeen, begun: datetime, now: datetime) -> Observation:
    """Overdue: the last night went by without a good run. Told as a build is, in a row of its own."""
    since = max(begun, night.ended_at) if night.ended_at else begun
    due_at = since + NIGHTLY_DUE
    if now > due_at:
        last = f"{since:%Y-%m-%d %H:%M} UTC"
        detail = f"{night.job} has not ended well since {last}: its schedule is off, or its run fails"
    elif night.ended_at:
        detail = f"{night.job} ended well at {night.ended_at:%Y-%m-%d %H:%M} UTC"
    else:
        detail = "no night yet"
    return Observation(BUILD, f"night {night.job}", "", since, due_at, 0, detail, now)


def _checks(seen: Seen, now: datetime) -> list[Observation]:
    """Overdue at once: what a check has found red stays so until it is made again."""
    if not seen.red_checks:
        return [Observation(CHECK, "checks", "", now, None, 0, "none is red", now)]
    rows = []
    for check in seen.red_checks:
        detail = f"{check.name} was red at {check.made_at:%Y-%m-%d %H:%M} UTC; once that is mended, run its job again"
        rows.append(Observation(CHECK, check.name, "", check.made_at, check.made_at, 0, detail, now))
    return rows


def _freshness(seen: Seen, before: Before, now: datetime) -> list[Observation]:
    """From the broker's timestamp to the newest build's end, and to its fraud scores, which are ready sooner."""
    rows = [before[key] for key in ((FRAUD_SCORE, "marts"), (RECONCILIATION, "marts")) if key in before]
    if seen.build and seen.seconds_to_build_end is not None:
        ended_at = seen.build.ended_at
        sooner = round((ended_at - seen.build.scored_at).total_seconds())
        run, batches = seen.build.run_id[:8], f"{seen.build.batch_before + 1} to {seen.build.built_batch}"
        detail = f"batches {batches}, in the build of run {run}"
        ready = {FRAUD_SCORE: seen.seconds_to_build_end - sooner, RECONCILIATION: seen.seconds_to_build_end}
        rows = [
            Observation(metric, "marts", "", ended_at, None, max(0, seconds), detail, now)
            for metric, seconds in ready.items()
        ]
    elif not rows:
        nothing = Observation(FRAUD_SCORE, "marts", "", now, None, 0, "no build has added anything yet", now)
        rows = [nothing, replace(nothing, metric=RECONCILIATION)]
    state = seen.build.run_id if seen.build else ""
    return [
        replace(
            row,
            state=state,
            observed_at=now,
            measured_seconds=row.measured_seconds if now - row.since < MEASURED_FOR else 0,
        )
        for row in rows
    ]


def is_measured(build: BuildSeen, before: Before) -> bool:
    """Whether a look has asked already how late this build's payments were."""
    row = before.get((RECONCILIATION, "marts"))
    return row is not None and row.state == build.run_id
