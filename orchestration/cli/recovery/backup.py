"""`payments backup`: the whole dataset, as of one moment, in another one.

Belongs here: arguments, printing. Does not belong here: which tables are copied, and how (spark_jobs.backups).
"""

import time
from typing import Annotated

import typer

from orchestration.errors import CommandError
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say
from orchestration.settings import read_stack_settings


def backup(
    name: Annotated[str, typer.Argument(help="The dataset that the backup becomes, such as payment_data_20261129.")],
) -> None:
    """Copy every table, as of one moment, into a new dataset. Nothing has to be stopped."""
    settings = read_stack_settings()
    Stack(settings).require_answering_warehouse()
    from spark_jobs.backups.copies import BackupRefused, back_up
    from spark_jobs.warehouse.client import connect

    began = time.monotonic()
    with connect(settings.job) as client:
        try:
            made = back_up(client, settings.job, name)
        except BackupRefused as refused:
            raise CommandError(str(refused)) from None
    say(f"{made.name}: {len(made.tables)} tables, {made.description}; it took {time.monotonic() - began:.1f} s.")
    say(f"The point: batch {made.control.last_batch_id}, offsets {made.control.end_offsets}.")
    say(f"To go back to it: payments restore {made.name}")
