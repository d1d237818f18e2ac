"""What runs by the clock. Belongs here: schedules. Does not belong here: what follows events (sensors)."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration import names
from orchestration.jobs import delete_old_runs, seal_days
from orchestration.notifications.channel_settings import read_channel_settings
from orchestration.notifications.firing import firing
from orchestration.notifications.telling import tell
from orchestration.resources.broker import BrokerReader
from orchestration.settings import StackSettings
from orchestration.watch.look import look
from orchestration.watch.report import report

daily_reconciliation_schedule = dg.ScheduleDefinition(
    name="daily_reconciliation",
    job_name=names.RECONCILE_JOB,
    cron_schedule="0 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night at 02:00 UTC, when the last late payment of the day has come.",
)

seal_days_schedule = dg.ScheduleDefinition(
    name=names.SEAL_JOB,
    job=seal_days,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night at 03:00 UTC: seals each day that is over.",
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
    report(context.instance, verdict, settings.job, datetime.now(UTC))
    for line in verdict.words:
        context.log.warning(line)
    return dg.SkipReason("; ".join(verdict.words) or "healthy")


@dg.schedule(
    name=names.NOTIFY_SCHEDULE,
    job_name=names.WATCH_JOB,
    cron_schedule="* * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every minute: tells of alerts that fire or are over, by the channels that are set, each once.",
)
def notify_schedule(
    context: dg.ScheduleEvaluationContext,
    settings: dg.ResourceParam[StackSettings],
    bigquery: dg.ResourceParam[Any],
) -> dg.SkipReason:
    """One round, in the tick itself. Beside the watch, so that a receiver that hangs does not hold it up."""
    from orchestration.notifications.channels import send
    from orchestration.notifications.record import health_on_record, incidents_of_a_week

    channels = read_channel_settings()
    if not channels.names:
        return dg.SkipReason("no channel is set: see docs/alerts.md")
    now = datetime.now(UTC)
    seen = firing(health_on_record(context.instance), incidents_of_a_week(settings, bigquery), now)
    lines = tell(settings.home, channels, seen, int(now.timestamp()), send)
    for line in lines:
        context.log.warning(line)
    return dg.SkipReason("; ".join(lines) or f"{len(seen.details)} alerts fire, nothing new is to be told")


DEFAULT_SCHEDULES = [
    daily_reconciliation_schedule,
    seal_days_schedule,
    delete_old_runs_schedule,
    watch_schedule,
    notify_schedule,
]
