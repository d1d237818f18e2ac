"""`payments backfill`: a day or a range of the topic, recomputed beside the live data, compared, swapped on --yes.

Belongs here: arguments, printing. Does not belong here: what a backfill may change (spark_jobs.corrections),
Dagster's partitions (assets).
"""

import re
from datetime import date
from functools import partial
from typing import Annotated

import typer

from orchestration.platform.builds import build_after_decision
from orchestration.platform.decisions import decided
from orchestration.platform.stack import Stack
from orchestration.presentation.backfill_cells import COLUMNS, cells
from orchestration.presentation.console import say, table
from orchestration.settings import read_stack_settings
from spark_jobs.warehouse.job_labels import Work

_RANGE = re.compile(r"([0-9]{1,6}):([0-9]{1,18})-([0-9]{1,18})")
IDS_SHOWN = 10


def backfill(
    what: Annotated[str, typer.Argument(metavar="DAY", help="2026-11-20 (UTC), or PARTITION:FIRST-AFTER, offsets.")],
    reason: Annotated[str, typer.Option(help="Why; kept in payment_corrections beside who and when.")] = "",
    mapping_of_now: Annotated[
        bool, typer.Option("--mapping-of-now", help="By the mapping of now, instead of that of each record's batch.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Swap; without, only show the difference.")] = False,
) -> None:
    """Recompute a day by the contract of now, show the difference in rows and money; with --yes swap it in."""
    if yes and not reason.strip():
        raise typer.BadParameter("--yes needs a --reason, which is kept on record")
    asked = _range(what)
    settings = read_stack_settings()
    Stack(settings).require_data_plane()
    from spark_jobs.corrections.backfill import range_of_day, recomputed
    from spark_jobs.decision_queue.request import Kind
    from spark_jobs.reading.contracts import contract_in_use
    from spark_jobs.reading.records import read_records
    from spark_jobs.warehouse.client import connect

    with connect(settings.job, Work.DECISION) as client:
        ranges = range_of_day(client, settings.job, asked) if isinstance(asked, date) else asked
        if not ranges:
            say(f"Nothing is published of {what}.")
            return
        now = contract_in_use(settings.job) if mapping_of_now else None
        read = partial(read_records, lists=now.lists, mapping=now.mapping) if now else None
        with recomputed(client, settings.job, ranges, read) as beside:
            table(f"{what}, recomputed beside what is published", COLUMNS, cells(beside.differences()))
            ids = beside.changed_ids(IDS_SHOWN)
            if not ids:
                say("No payment would change.")
                return
            say(f"Payments that change, {len(ids)} of them: {', '.join(ids)}")
            if not yes:
                say("To swap them: --yes --reason '...'")
                return
            note = f"backfill {what}: {reason.strip()}"
            swapped = decided(client, settings, Kind.BACKFILL, beside.arguments(), reason=note).decided
    say(f"{swapped // 2} payments are swapped and recorded; payment_backfills says what it came to.")
    if swapped and not build_after_decision(settings):
        raise typer.Exit(1)


def _range(what: str) -> date | dict[int, tuple[int, int]]:
    found = _RANGE.fullmatch(what)
    if found:
        partition, first, after = map(int, found.groups())
        if first >= after:
            raise typer.BadParameter(f"{what} holds no offset: the second is the one after the last")
        return {partition: (first, after)}
    try:
        return date.fromisoformat(what)
    except ValueError:
        raise typer.BadParameter(f"{what} is neither a day such as 2026-11-20 nor a range such as 0:100-200") from None
