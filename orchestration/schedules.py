"""What runs by the clock. Belongs here: schedules. Does not belong here: what follows events (sensors)."""

import dagster as dg

from orchestration.jobs import daily_reconciliation, delete_old_runs

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

DEFAULT_SCHEDULES = [daily_reconciliation_schedule, delete_old_runs_schedule]
