"""What runs by the clock. Belongs here: schedules. Does not belong here: what follows events (sensors)."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration import names
from orchestration.jobs import daily_reconciliation, delete_old_runs
from orchestration.resources.broker import BrokerReader
from orchestration.settings import StackSettings
from orchestration.watch.look import look
from orchestration.watch.report import report

daily_reconciliation_schedule = dg.ScheduleDefinition(
    name="daily_reconciliation",
    job=daily_reconciliation,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night at 02:00 UTC, when the last late payment of the day has come.",
)

delete_old_runs_schedule = dg.ScheduleDefinition(
    name="delete_old_runs",
    job=delete_old_runs,
    cron_schedule="30 */6 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every six hours: builds of one day leave a gigabyte and more.",
)


@dg.schedule(
    name=names.WATCH_JOB,
    job_name=names.WATCH_JOB,
    cron_schedule="* * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every minute, whether or not anything comes: looks at the pipeline, and judges its health.",
)
def watch_schedule(
    context: dg.ScheduleEvaluationContext,
    settings: dg.ResourceParam[StackSettings],
    broker: dg.ResourceParam[BrokerReader],
    bigquery: dg.ResourceParam[Any],
) -> dg.SkipReason:
    """One look, in the tick itself, as sensors work: a run each minute would cost a process, and wait in the queue."""
    verdict = look(settings, broker, bigquery, context.instance)
    report(context.instance, verdict, datetime.now(UTC))
    for line in verdict.words:
        context.log.warning(line)
    return dg.SkipReason("; ".join(verdict.words) or "healthy")


DEFAULT_SCHEDULES = [daily_reconciliation_schedule, delete_old_runs_schedule, watch_schedule]
