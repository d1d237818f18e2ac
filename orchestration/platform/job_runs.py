"""Runs of Dagster's jobs in this process, on the real instance: what `payments process` and `payments build` do.

Belongs here: executing a job and reading its result. Does not belong here: printing tables, definitions.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg

from orchestration import names
from orchestration.automation.backlog import Action
from orchestration.automation.backlog_reads import observe_backlog, read_published, run_tags, shift_config
from orchestration.automation.dbt_rebuild import newest_batch
from orchestration.automation.failures import cause_of
from orchestration.automation.outside import is_outside
from orchestration.automation.run_records import ENDED, runs_in_flight
from orchestration.automation.workers import this_worker
from orchestration.build import build_defs
from orchestration.errors import CommandError
from orchestration.platform.dagster_home import open_instance
from orchestration.presentation.console import noise_in
from orchestration.resources.broker import BrokerReader
from orchestration.settings import StackSettings

Say = Callable[[str], None]

_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """One evaluated check. `verdict` is passed, warned or failed."""

    asset: str
    name: str
    verdict: str


@dataclass(frozen=True, slots=True)
class BuildOutcome:
    """What a build came to; `error` is why the run itself failed, if it did for more than a check."""

    checks: tuple[Check, ...]
    materialized: int
    error: str | None

    @property
    def passed(self) -> int:
        """Checks that passed."""
        return sum(check.verdict == "passed" for check in self.checks)

    @property
    def is_good(self) -> bool:
        """Whether the run succeeded and no check failed at ERROR."""
        return self.error is None and all(check.verdict != "failed" for check in self.checks)

    def not_passed(self) -> list[Check]:
        """The others."""
        return [check for check in self.checks if check.verdict != "passed"]

    def counts(self) -> list[tuple[str, int, int, int]]:
        """Checks passed, warned and failed, by asset."""
        tally = Counter((check.asset, check.verdict) for check in self.checks)
        assets = sorted({check.asset for check in self.checks})
        return [(a, tally[a, "passed"], tally[a, "warned"], tally[a, "failed"]) for a in assets]


def drain_backlog(settings: StackSettings, say: Say) -> None:
    """Publish what is in Kafka now: by the sensor's decision and its job, or by the run that is at it already.

    Raises:
        CommandError: the run failed; the message is its cause, an incident's own line where it was one.
    """
    from orchestration.resources.bigquery import PaymentsBigQueryResource

    if is_outside():
        raise CommandError("PAYMENTS_PROCESSOR is outside: the processor that runs there publishes what waits.")
    broker = BrokerReader(settings.job.bootstrap_servers, settings.job.topic)
    bigquery = PaymentsBigQueryResource.from_job_settings(settings.job)
    wanted = broker.read().latest

    def is_published() -> bool:
        published = read_published(settings, bigquery)
        ends = published.end_offsets if published else {}
        return all(ends.get(partition, 0) >= offset for partition, offset in wanted.items())

    with open_instance(settings) as instance:
        decision = observe_backlog(settings, broker, bigquery, instance)
        say(f"{decision.action}: {decision.reason}")
        while decision.blocking_run_id:
            if _wait_for(instance, decision.blocking_run_id, is_published):
                say("all that was in Kafka when you asked is published")
                return
            decision = observe_backlog(settings, broker, bigquery, instance)
            say(f"{decision.action}: {decision.reason}")
        if decision.action is Action.IDLE:
            _say_what_waits(broker, say)
            return
        # The back-off is for a sensor that tries by itself; a person who asks is not kept waiting.
        config = shift_config(0, settings.shift_max_seconds)
        result = _execute(settings, instance, say, names.PROCESS_JOB, config, run_tags(decision))
    if not result.success:
        raise CommandError(failure_of(result))
    _say_what_waits(broker, say)


def _say_what_waits(broker: BrokerReader, say: Say) -> None:
    for line in broker.look()[1]:
        say(f"WARN: {line}")


def build_warehouse(settings: StackSettings, say: Say) -> BuildOutcome:
    """Build dbt's models and make every check."""
    from orchestration.resources.bigquery import PaymentsBigQueryResource

    with open_instance(settings) as instance:
        for run in runs_in_flight(instance, names.BUILD_JOB):
            say(f"wait: run {run.run_id[:8]} is {run.status} and still building")
            _wait_for(instance, run.run_id)
        # Dagster's own records of a topic at rest may be deleted by now, or be another home's.
        published = read_published(settings, PaymentsBigQueryResource.from_job_settings(settings.job))
        batch = max(newest_batch(instance), published.last_batch_id if published else 0)
        tags = {names.BUILT_BATCH_TAG: str(batch)}
        result = _execute(settings, instance, say, names.BUILD_JOB, {}, tags)
    checks = tuple(
        Check("/".join(evaluation.asset_key.path), evaluation.check_name, _verdict(evaluation))
        for evaluation in result.get_asset_check_evaluations()
    )
    materialized = len({event.asset_key for event in result.get_asset_materialization_events()})
    has_failed_check = any(check.verdict == "failed" for check in checks)
    return BuildOutcome(checks, materialized, None if result.success or has_failed_check else failure_of(result))


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    """Why a run failed."""
    return cause_of(result.all_events) or "the run failed; see its log in Dagster"


def _execute(
    settings: StackSettings,
    instance: dg.DagsterInstance,
    say: Say,
    job_name: str,
    run_config: Mapping[str, Any],
    tags: Mapping[str, str],
) -> dg.ExecuteInProcessResult:
    job = build_defs(loggers={"console": plain_logger(say)}).resolve_job_def(job_name)
    with noise_in(settings.home / "logs" / f"{job_name}.log"):
        return job.execute_in_process(
            run_config={**run_config, "loggers": {"console": {}}},
            instance=instance,
            tags={**tags, names.WORKER_TAG: this_worker(settings.home / names.WORKERS)},
            raise_on_error=False,
        )


def plain_logger(say: Say) -> dg.LoggerDefinition:
    """A Dagster logger that passes on what the drain says of its batches, and which other assets were built."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            meta = getattr(record, "dagster_meta", {})
            event, step = meta.get("dagster_event"), meta.get("step_key")
            if event is None and step == names.PUBLISH_OP and record.levelno >= logging.INFO:
                say(f"  {meta['orig_message']}")
            elif event is not None and event.is_step_materialization and step != names.PUBLISH_OP:
                say(f"  built {event.asset_key.path[-1]}")

    def console(_context: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("payments", logging.DEBUG)
        logger.addHandler(Handler())
        return logger

    return dg.LoggerDefinition(console, description="What assets say, line by line.")


def _wait_for(instance: dg.DagsterInstance, run_id: str, is_done: Callable[[], bool] = lambda: False) -> bool:
    """Return once the run has ended, or what is waited for is done; whether that is so."""
    while True:
        done = is_done()
        run = instance.get_run_by_id(run_id)
        if done or run is None or run.status in ENDED:
            return done
        time.sleep(_POLL_SECONDS)


def _verdict(evaluation: dg.AssetCheckEvaluation) -> str:
    if evaluation.passed:
        return "passed"
    return "warned" if evaluation.severity is dg.AssetCheckSeverity.WARN else "failed"
