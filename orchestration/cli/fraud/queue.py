"""`payments alert-queue`: the alerts of a day, in the order in which a team looks at them.

Belongs here: arguments, reading, printing. Does not belong here: what gets into the queue (dbt_project).
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.sealing.days import day_of
from orchestration.errors import CommandError
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import read_stack_settings
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spark_jobs.settings import JobSettings

COLUMNS = ("place", "account", "score", "why", "payments", "EUR", "worst payment", "label", "blocked")


def alert_queue(
    day: Annotated[str | None, typer.Argument(help="The UTC day of the payments, YYYY-MM-DD; default: today.")] = None,
) -> None:
    """Show the alerts of a day, as many as a team can look at, the worst first."""
    asked = day_of(day) if day else datetime.now(UTC).date()
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    from google.api_core.exceptions import NotFound

    from spark_jobs.warehouse.client import connect, run

    with connect(settings.job, Work.DECISION) as client:
        try:
            rows = run(client, queue_sql(settings.job), {"day": asked})
        except NotFound as error:
            raise CommandError("The alert queue is not built yet: run `payments build`.") from error
    if not rows:
        say(f"No alert on {asked} (UTC): nothing reached the threshold, or the day is older than fraud_queue_days.")
        return
    table(f"Alerts of {asked} (UTC)", COLUMNS, [cells(row) for row in rows])
    say("Write down what each was: payments label PAYMENT DAY LABEL --reason '...'")


def queue_sql(settings: "JobSettings") -> str:
    """The queue of a day."""
    from spark_jobs.tables.names import full_name

    return f"""
        select * from `{full_name(settings, "fraud_alert_queue")}`
        where day = @day
        order by place
        """


def cells(row: "Mapping[str, Any]") -> list[object]:
    """A row of COLUMNS."""
    return [
        row["place"],
        row["sender_account_id"],
        row["fraud_score"],
        ", ".join(row["fraud_reasons"]),
        row["payment_count"],
        "not known" if row["alerted_eur"] is None else f"{row['alerted_eur']:,.2f}",
        row["transaction_id"],
        row["label"] or "",
        row["blocked_because"] or "",
    ]
