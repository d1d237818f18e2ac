"""`payments accept-gap`: shows what the broker lost unread, and goes on behind it once somebody has accepted the loss.

Belongs here: arguments, looking, printing. Does not belong here: what is lost (spark_jobs.source), writing it down
(spark_jobs.corrections).
"""

from getpass import getuser
from typing import Annotated

import typer

from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import read_stack_settings
from spark_jobs.source.topic import TopicReader, check_identity, lost_offsets
from spark_jobs.warehouse.job_labels import Work


def accept_gap(
    yes: Annotated[bool, typer.Option("--yes", help="Accept the loss: the lost offsets are never published.")] = False,
    reason: Annotated[str, typer.Option(help="Why; kept in accepted_gaps beside who and when.")] = "",
) -> None:
    """Show unread records that the broker no longer keeps; with --yes, go on without them. Exits 1 until accepted."""
    if yes and not reason.strip():
        raise typer.BadParameter("--yes needs a --reason, which is kept on record")
    settings = read_stack_settings()
    Stack(settings).require_data_plane()
    from spark_jobs.corrections import accepted_gaps as gaps
    from spark_jobs.warehouse.client import connect
    from spark_jobs.warehouse.control_row import read_control

    job = settings.job
    with connect(job, Work.DECISION) as client, TopicReader(job.bootstrap_servers, job.topic) as reader:
        control, topic = read_control(client, job), reader.read()
        if control is None:
            say("Nothing was ever published: there is no gap to accept.")
            return
        check_identity(control.end_offsets, control.topic_id, topic)
        lost = lost_offsets(control.end_offsets, topic)
        if not lost:
            say("Nothing is lost: the broker keeps every unread record.")
            return
        rows = [(partition, start, end - 1, end - start) for partition, (start, end) in lost.items()]
        table("Unread records that are lost", ("partition", "first offset", "last offset", "records"), rows)
        if not yes:
            say("To go on without them: payments accept-gap --yes --reason '...'")
            raise typer.Exit(1)
        gaps.accept_gap(client, job, control, lost, accepted_by=getuser(), reason=reason.strip())
    say("Accepted, and recorded in accepted_gaps: the next run goes on behind them.")
