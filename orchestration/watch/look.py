"""One look at the pipeline: ask broker, control row and Dagster, keep what was seen, and judge the health rows.

Belongs here: the reads of a look, and their order. Does not belong here: due times (rules), statements (table).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import names
from orchestration.automation.backlog_reads import published_in
from orchestration.automation.dbt_rebuild import newest_batch
from orchestration.automation.run_records import good_runs
from orchestration.settings import StackSettings
from orchestration.verification.warehouse_reads import WarehouseReads
from orchestration.watch.evaluations import evaluations
from orchestration.watch.history import keep
from orchestration.watch.rules import (
    BUILD,
    SEALS,
    SEALS_ASKED_EVERY,
    WARM_UP,
    Before,
    BuildSeen,
    DueTimes,
    NightSeen,
    Observation,
    RedCheck,
    SealsSeen,
    Seen,
    SensorSeen,
    continued,
    is_measured,
    observe,
    watching_since,
)
from orchestration.watch.table import probe, read_observations, seconds_to_build_end, write_observations
from orchestration.watch.verdict import Verdict, judge, rows_before_the_first_build, unreachable, without_dataset
from spark_jobs.incidents import Incident, one_line
from spark_jobs.source.open_transactions import OpenTransaction
from spark_jobs.source.topic import BrokerUnreachable, TopicState
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

    from orchestration.resources.bigquery import PaymentsBigQueryResource
    from orchestration.resources.broker import BrokerReader
    from spark_jobs.publishing.control import Control

_SLACK = timedelta(hours=1)
"""How much sooner than a build's request the batches that it added may have been published, at most."""


def look(
    settings: StackSettings,
    broker: "BrokerReader",
    bigquery: "PaymentsBigQueryResource",
    instance: dg.DagsterInstance,
) -> Verdict:
    """One look, and the verdict on health as it is now. A broker or a warehouse that is away is a verdict, no error."""
    from google.api_core.exceptions import NotFound

    from spark_jobs.warehouse.retries import failures

    try:
        with bigquery.get_client(Work.WATCH) as client:
            try:
                probe(client, settings.job)
            except NotFound:
                return without_dataset(settings.job.dataset, has_published=bool(newest_batch(instance)))
            seen = _look(settings, client, instance, broker)
            rows = health_rows(settings, client, seen)
            keep(client, settings.job, rows, datetime.now(UTC))
            return judge(rows)
    except failures() as error:
        return unreachable(one_line(error))


def judge_health(settings: StackSettings, client: "Client", seen: Iterable[Observation] | None = None) -> Verdict:
    """The verdict on the health rows."""
    return judge(health_rows(settings, client, seen))


def health_rows(
    settings: StackSettings, client: "Client", seen: Iterable[Observation] | None = None
) -> Sequence[Mapping[str, Any]]:
    """The rows of pipeline_health, or what was seen alone while dbt has not built it yet."""
    rows = WarehouseReads(client, settings.job).health_rows()
    if rows:
        return rows
    seen = read_observations(client, settings.job) if seen is None else seen
    return rows_before_the_first_build(list(seen), datetime.now(UTC))


def _look(
    settings: StackSettings,
    client: "Client",
    instance: dg.DagsterInstance,
    broker: "BrokerReader",
) -> list[Observation]:
    from spark_jobs.warehouse.control_row import read_control

    last_look, control = read_observations(client, settings.job), read_control(client, settings.job)
    # After the control row: a topic that ends before what is published would be another one.
    topic, transactions, message = _ask_broker(broker)
    now = datetime.now(UTC)
    before, build = continued(last_look, now), newest_build(instance)
    seen = Seen(
        published=None if control is None else published_in(control),
        last_batch=0 if control is None else control.last_batch_id,
        topic=topic,
        broker=message,
        sensors=sensors_seen(instance),
        build=build,
        seconds_to_build_end=_measure(settings, client, build, before, now),
        transactions=transactions,
        seals=_seals(settings, client, control, before, now),
        red_checks=red_checks(instance, has_delta=settings.job.has_delta),
        nights=nights_seen(instance),
    )
    rows = observe(seen, before, due_times(settings), now)
    write_observations(client, settings.job, rows)
    return rows


def _ask_broker(broker: "BrokerReader") -> tuple[TopicState | None, Sequence[OpenTransaction], str]:
    try:
        return *broker.read_with_transactions(), "it answers"
    except (BrokerUnreachable, Incident) as error:
        return None, (), str(error)


def _measure(
    settings: StackSettings, client: "Client", build: BuildSeen | None, before: Before, now: datetime
) -> int | None:
    if build is None or build.built_batch <= build.batch_before or is_measured(build, before):
        return None
    since = max(build.started_at - _SLACK, watching_since(before, now) + WARM_UP)
    return seconds_to_build_end(client, settings.job, (build.batch_before, build.built_batch), since, build.ended_at)


def _seals(
    settings: StackSettings, client: "Client", control: "Control | None", before: Before, now: datetime
) -> SealsSeen | None:
    """The newest sealed day, where days expire; a column of a table of one row a day, once an hour."""
    from spark_jobs.retention.kept import sealed_by

    old, job = before.get((BUILD, SEALS)), settings.job
    if not job.expires or control is None:
        return None
    newest: date | None
    if old and now - old.since < SEALS_ASKED_EVERY:
        newest, asked_at = date.fromisoformat(old.state), old.since
    else:
        newest, asked_at = WarehouseReads(client, job).newest_sealed_day(), now
    if newest is None:
        return None
    # Nothing is wrong with a day that the watermark is not past: nothing has come since.
    is_over = control.watermark is not None and control.watermark.date() > newest + timedelta(days=1)
    return SealsSeen(newest, asked_at, sealed_by(job, newest) if is_over else None)


def newest_build(instance: dg.DagsterInstance) -> BuildSeen | None:
    """The newest good build by Dagster's records; None before the first."""
    records = good_runs(instance, names.BUILD_JOB, limit=2)
    if not records or not records[0].end_time:
        return None
    newest = records[0]
    ended_at = datetime.fromtimestamp(newest.end_time or 0, UTC)
    scored = instance.get_latest_materialization_event(names.FRAUD_SCORES)
    is_its_own = scored is not None and scored.run_id == newest.dagster_run.run_id
    return BuildSeen(
        run_id=newest.dagster_run.run_id,
        built_batch=_built_batch(newest),
        batch_before=_built_batch(records[1]) if len(records) > 1 else 0,
        started_at=newest.create_timestamp.replace(tzinfo=UTC),
        scored_at=datetime.fromtimestamp(scored.timestamp, UTC) if scored and is_its_own else ended_at,
        ended_at=ended_at,
        decisions=int(newest.dagster_run.tags.get(names.BUILT_DECISIONS_TAG, 0)),
    )


def _built_batch(record: dg.RunRecord) -> int:
    return int(record.dagster_run.tags.get(names.BUILT_BATCH_TAG, 0))


def sensors_seen(instance: dg.DagsterInstance) -> list[SensorSeen]:
    """Our sensors as the daemon last recorded them: one small read of Dagster's own state."""
    from dagster._core.definitions.run_request import InstigatorType
    from dagster._core.scheduler.instigation import InstigatorStatus, SensorInstigatorData

    ticks: dict[str, datetime | None] = dict.fromkeys(names.SENSORS)
    off = set()
    for state in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR):
        data: Any = state.instigator_data
        if state.name not in ticks or not isinstance(data, SensorInstigatorData):
            continue
        if state.status is InstigatorStatus.STOPPED:
            off.add(state.name)
        ended_well = data.last_tick_success_timestamp
        if ended_well:
            known = ticks[state.name]
            ticks[state.name] = max(filter(None, (known, datetime.fromtimestamp(ended_well, UTC))))
    return [SensorSeen(name, ticked_at, name not in off) for name, ticked_at in ticks.items()]


def red_checks(instance: dg.DagsterInstance, *, has_delta: bool) -> list[RedCheck]:
    """The checks of which no run fails, that were red when they were last made; Delta's only where Delta is a sink."""
    found = []
    for key in names.RUNLESS_RED:
        newest = next(evaluations(instance, key), None)
        if newest and not newest[0].passed and (has_delta or key != names.DELTA_CHECK):
            found.append(RedCheck(key.name, newest[1]))
    return found


def nights_seen(instance: dg.DagsterInstance) -> list[NightSeen]:
    """When each nightly job last ended well: one record of Dagster's for each."""
    seen = []
    for job in names.NIGHTLY_JOBS:
        ends = [record.end_time for record in good_runs(instance, job, limit=1)]
        seen.append(NightSeen(job, datetime.fromtimestamp(ends[0], UTC) if ends and ends[0] else None))
    return seen


def due_times(settings: StackSettings) -> DueTimes:
    """What is overdue when, by the settings."""
    return DueTimes(
        publication=timedelta(seconds=settings.publication_due_seconds),
        build=timedelta(seconds=settings.build_due_seconds),
        silence=timedelta(seconds=settings.silence_due_seconds),
    )
