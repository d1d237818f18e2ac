"""`payments restore`: puts a backup back in place of the dataset.

Belongs here: arguments, printing. Does not belong here: in which order tables are put back (spark_jobs.backups).
"""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.errors import CommandError
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import read_stack_settings

if TYPE_CHECKING:
    from spark_jobs.publishing.control import Control


def restore(
    name: Annotated[str, typer.Argument(help="The backup, as `payments backup` was given it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only show what would be gone.")] = False,
) -> None:
    """Show what a restore would take back; with --yes put every table back as the backup has it."""
    settings = read_stack_settings()
    Stack(settings).require_answering_warehouse()
    from spark_jobs.backups.copies import BackupRefused, not_in, now_in, read_backup
    from spark_jobs.backups.copies import restore as put_back
    from spark_jobs.warehouse.client import connect

    began, job = time.monotonic(), settings.job
    with connect(job) as client:
        try:
            found = read_backup(client, job, name)
        except BackupRefused as refused:
            raise CommandError(str(refused)) from None
        rows = [_cells("now", now_in(client, job)), _cells(name, found.control)]
        table(f"Dataset {job.dataset}", ("", "newest batch", "offsets", "decisions", "erasures"), rows)
        if not yes:
            say(f"{found.description}. What came later is gone, and the topic is read again from these offsets.")
            say("To do it, stop every processor first, then: --yes")
            return
        done = list(put_back(client, job, found))
        left = not_in(client, job, found)
    say(f"{len(done)} tables are as they were; it took {time.monotonic() - began:.1f} s.")
    if left:
        say(f"Not in the backup, and left as they are: {', '.join(left)}. Drop them if dbt makes them.")
    if job.has_delta:
        say(f"Delta is ahead of the dataset now: delete {job.delta_location}, and the next run fills it again.")
    say("Next: payments process, payments build, payments verify.")


def _cells(what: str, control: "Control | None") -> tuple[object, ...]:
    if control is None:
        return what, "no control row", "", "", ""
    return what, control.last_batch_id, control.end_offsets, control.correction_count, control.erasure_count
