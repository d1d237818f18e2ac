"""What Dagster's run records say of a job: who is at work, and what was tried before.

Belongs here: reading run records, and closing the record of a run whose process has died: by its lock where that is to
be seen, else by its heartbeat. Does not belong here: what to do about it (backlog).
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from orchestration.automation.backlog import Attempts, FlightRecord
from orchestration.automation.heartbeats import Listener, beats_in
from orchestration.automation.workers import is_worker_dead
from orchestration.names import BACKLOG_TAG, BUILD_JOB, PROCESS_JOB, STANDS_BY_TAG, WORKER_TAG

IN_FLIGHT = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]

_RUNS_READ = 64
_listener = Listener()
"""Of this process, which looks every few seconds where it is the one that evaluates sensors."""


def runs_in_flight(instance: dg.DagsterInstance, job_name: str) -> list[FlightRecord]:
    """Runs of the job that have not ended, oldest first. A run whose process is known dead is closed, not counted."""
    filters = dg.RunsFilter(job_name=job_name, statuses=IN_FLIGHT)
    silent = _listener.silent(beats_in(instance))
    flights = []
    for record in instance.get_run_records(filters, limit=_RUNS_READ, ascending=True):
        run = record.dagster_run
        is_dead = is_worker_dead(run.tags.get(WORKER_TAG, ""))
        if is_dead or (is_dead is None and run.run_id in silent):
            instance.report_run_failed(run, "The process that executed this run is gone.")
        else:
            started_at = datetime.fromtimestamp(record.start_time, UTC) if record.start_time else None
            flights.append(FlightRecord(run.run_id, run.status.value, started_at))
    return flights


def good_runs(instance: dg.DagsterInstance, job_name: str, limit: int) -> Sequence[dg.RunRecord]:
    """The newest runs of the job that ended well, the newest first."""
    good = dg.RunsFilter(job_name=job_name, statuses=[dg.DagsterRunStatus.SUCCESS])
    return instance.get_run_records(good, limit=limit)


def last_end(instance: dg.DagsterInstance, job_name: str) -> datetime | None:
    """When a run of the job last ended, of the newest few; None where none has."""
    ended = instance.get_run_records(dg.RunsFilter(job_name=job_name, statuses=ENDED), limit=_RUNS_READ)
    return max((datetime.fromtimestamp(record.end_time, UTC) for record in ended if record.end_time), default=None)


def standbys_of(instance: dg.DagsterInstance, run_id: str) -> int:
    """How many runs were started to follow on `run_id`."""
    return instance.get_runs_count(dg.RunsFilter(tags={STANDS_BY_TAG: run_id}))


def close_abandoned_runs(instance: dg.DagsterInstance) -> None:
    """Close the records of all runs that nothing executes. Only for when no part of Dagster is up.

    A queued run stays: it starts when Dagster does. But for those that a sensor asks for anew: `payments process` and
    `payments build` would wait for one, also where nobody starts Dagster.
    """
    for run in instance.get_runs(dg.RunsFilter(statuses=IN_FLIGHT)):
        if run.status is dg.DagsterRunStatus.QUEUED and run.job_name not in (PROCESS_JOB, BUILD_JOB):
            continue
        if WORKER_TAG not in run.tags or is_worker_dead(run.tags[WORKER_TAG]):
            instance.report_run_failed(run, "The platform was stopped while this run was under way.")


def attempts_from(instance: dg.DagsterInstance, job_name: str, identity: str) -> Attempts:
    """Runs of the job that started from the published offsets `identity` and have ended, however they did."""
    tagged = dg.RunsFilter(job_name=job_name, tags={BACKLOG_TAG: identity}, statuses=ENDED)
    records = instance.get_run_records(tagged, limit=1)
    if not records:
        return Attempts()
    last = records[0]
    ended_at = datetime.fromtimestamp(last.end_time, UTC) if last.end_time else last.update_timestamp
    return Attempts(instance.get_runs_count(tagged), ended_at, last.dagster_run.run_id)
