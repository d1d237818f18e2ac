"""What starts runs by itself, and what notices failed ones. Each sensor reads, asks a pure rule, emits.

Belongs here: sensors. Does not belong here: the rules and the reads (automation).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from orchestration import names
from orchestration.automation.backlog import Action, BacklogDecision
from orchestration.automation.backlog_reads import observe_backlog, read_published, run_tags, shift_config
from orchestration.automation.dbt_rebuild import decide_rebuild, read_rebuild_state
from orchestration.automation.failures import EVENT_TYPES, cause_of
from orchestration.automation.run_records import last_end, runs_in_flight, standbys_of
from orchestration.automation.standby import run_to_follow, standby_run_key
from orchestration.resources.broker import BrokerReader
from orchestration.settings import StackSettings

LAG_INTERVAL = timedelta(seconds=60)


@dg.sensor(
    job_name=names.PROCESS_JOB,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run of the streaming job while Kafka holds what is not published, and one to follow it.",
)
def backlog_sensor(
    context: dg.SensorEvaluationContext,
    settings: dg.ResourceParam[StackSettings],
    broker: dg.ResourceParam[BrokerReader],
    bigquery: dg.ResourceParam[Any],
) -> dg.SensorResult:
    """One tick. A read that fails fails the tick: it never passes for "no data".

    The cursor only says when the lag was last recorded; nothing depends on it.
    """
    decision = observe_backlog(settings, broker, bigquery, context.instance)
    now = datetime.now(UTC)
    is_lag_due = not context.cursor or now - datetime.fromisoformat(context.cursor) > LAG_INTERVAL
    if decision.action in (Action.LAUNCH, Action.INCIDENT):
        requests = [run_request(decision, settings)]
    else:
        requests = standby_requests(decision, context.instance, settings, now) if settings.has_standby else []
    if decision.action is Action.INCIDENT:
        context.log.error(decision.reason)
    return dg.SensorResult(
        run_requests=requests or None,
        skip_reason=None if requests else decision.reason,
        asset_events=[lag_observation(decision)] if is_lag_due or requests else [],
        cursor=now.isoformat() if is_lag_due or requests else context.cursor,
    )


@dg.sensor(
    name=names.REBUILD_SENSOR,
    job_name=names.BUILD_JOB,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Builds dbt's models after batches and decisions, not more often than the settings say, and in time.",
)
def rebuild_sensor(
    context: dg.SensorEvaluationContext,
    settings: dg.ResourceParam[StackSettings],
    bigquery: dg.ResourceParam[Any],
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One tick: what was published is read from Dagster's own record of it, what was decided from the control row."""
    state = read_rebuild_state(context.instance, lambda: read_published(settings, bigquery))
    decision = decide_rebuild(state, settings.build_interval_seconds, settings.build_due_seconds, datetime.now(UTC))
    if decision.run_key is None:
        yield dg.SkipReason(decision.reason)
    else:
        yield dg.RunRequest(run_key=decision.run_key, tags=state.tags)


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Says in one line of the log which run failed and why.",
)
def failure_sensor(context: dg.RunFailureSensorContext) -> None:
    """The place to hang a webhook on; by default it only writes a line."""
    run = context.dagster_run
    entries = context.instance.all_logs(run.run_id, of_type=EVENT_TYPES)
    cause = cause_of(entry.dagster_event for entry in entries if entry.dagster_event)
    context.log.error(f"run {run.run_id[:8]} of {run.job_name} failed: {cause or context.failure_event.message}")


def first_night_sensor(job_name: str) -> dg.SensorDefinition:
    """A sensor that runs a job of the night once: after the first build, which makes what its checks look at."""

    @dg.sensor(
        name=names.FIRST_NIGHTS[job_name],
        job_name=job_name,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Runs {job_name} once after the first build; from then on its schedule does.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if context.instance.get_runs(dg.RunsFilter(job_name=job_name), limit=1):
            return dg.SkipReason(f"{job_name} has run: from now on its schedule runs it.")
        if last_end(context.instance, names.BUILD_JOB) is None:
            return dg.SkipReason("Nothing was built yet.")
        return dg.RunRequest(run_key=f"first {job_name}")

    return sensor


def run_request(decision: BacklogDecision, settings: StackSettings) -> dg.RunRequest:
    """The run that the decision asks for: one shift."""
    return dg.RunRequest(
        run_key=decision.run_key,
        run_config=_shift_of(settings),
        tags=run_tags(decision),
    )


def standby_requests(
    decision: BacklogDecision, instance: dg.DagsterInstance, settings: StackSettings, now: datetime
) -> list[dg.RunRequest]:
    """The run that should stand by, where one should: a shift too, that waits for its turn."""
    is_building = bool(runs_in_flight(instance, names.BUILD_JOB))
    run_id = run_to_follow(decision.in_flight, last_end(instance, names.PROCESS_JOB), now, is_building=is_building)
    run_key = run_id and standby_run_key(run_id, standbys_of(instance, run_id))
    if not run_id or not run_key:
        return []
    return [dg.RunRequest(run_key=run_key, run_config=_shift_of(settings), tags={names.STANDS_BY_TAG: run_id})]


def _shift_of(settings: StackSettings) -> dict[str, object]:
    return shift_config(settings.shift_idle_seconds, settings.shift_max_seconds, settings.batch_seconds)


def lag_observation(decision: BacklogDecision) -> dg.AssetObservation:
    """The topic's lag, for the UI to plot."""
    return dg.AssetObservation(names.PAYMENT_EVENTS, metadata={"lag": decision.lag, "published": decision.identity})


DEFAULT_SENSORS = [backlog_sensor, rebuild_sensor, failure_sensor, *map(first_night_sensor, names.FIRST_NIGHTS)]
