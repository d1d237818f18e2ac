"""`payments seal`: seals the days that are over, or holds sealed days against their seals.

Belongs here: arguments, printing. Does not belong here: sealing, comparing (spark_jobs.sealing).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from getpass import getuser
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.sealing.days import day_of
from orchestration.errors import CommandError
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import StackSettings, read_stack_settings
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from datetime import date

    from spark_jobs.sealing.recheck import Rechecked
    from spark_jobs.sealing.seals import Seal


def seal(
    check: Annotated[bool, typer.Option("--check", help="Seal nothing: hold sealed days against their seals.")] = False,
    day: Annotated[str | None, typer.Option(help="With --check: this UTC day; default: the newest sealed one.")] = None,
    every: Annotated[bool, typer.Option("--all", help="With --check: every sealed day; reads all payments.")] = False,
) -> None:
    """Seal each day that is over: its payments, money and hash tree, once and for ever. Exits 1 where a check fails."""
    if (day or every) and not check:
        raise typer.BadParameter("--day and --all go with --check")
    if day and every:
        raise typer.BadParameter("give --day or --all, not both")
    asked = day_of(day) if day else None
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    if check:
        _check(settings, asked, every=every)
    else:
        _seal(settings)


def _seal(settings: StackSettings) -> None:
    from spark_jobs.sealing.seal_days import seal_days
    from spark_jobs.warehouse.client import connect

    with connect(settings.job, Work.SEAL) as client:
        made = list(seal_days(client, settings.job, getuser(), datetime.now(UTC)))
    if not made:
        hours = settings.job.seal_after_hours
        say(f"No day to seal: a day is sealed {hours} hours after its end, once the watermark is past it.")
        return
    rows = [(seal.day, seal.payment_count, seal.amounts, seal.digest) for seal in made]
    table("Sealed", ("day", "payments", "minor units", "digest"), rows)
    say("Write the last digest down where nobody can change it: it covers every day before.")


def _check(settings: StackSettings, day: "date | None", *, every: bool) -> None:
    from spark_jobs.retention.marks import read_kept
    from spark_jobs.sealing.recheck import recheck
    from spark_jobs.warehouse.client import connect

    def chosen(seals: "Sequence[Seal]") -> "Sequence[Seal]":
        if every:
            return seals
        return [seal for seal in seals if seal.day == day] if day else seals[-1:]

    with connect(settings.job, Work.SEAL) as client:
        kept = read_kept(client, settings.job)
        if day and not kept.are_payments_of(day):
            raise CommandError(
                f"The payments of {day} have expired: its seal is a link of the chain that --all checks."
            )
        broken, days = recheck(client, settings.job, chosen)
    if not days and not broken:
        raise CommandError(f"{day} is not sealed." if day else "No day is sealed yet: see `payments seal`.")
    rows = [
        (found.seal.day, found.seal.payment_count, found.corrected, found.erased, _verdict(found)) for found in days
    ]
    table("Sealed days", ("day", "payments", "corrected since", "erased since", "verdict"), rows)
    if every and kept.payments:
        say(f"The payments of days before {kept.payments.kept_from} have expired: of them the chain alone is checked.")
    for problem in broken:
        say(f"FAIL {problem}")
    if broken or not all(found.is_good for found in days):
        raise typer.Exit(1)


def _verdict(found: "Rechecked") -> str:
    return "OK" if found.is_good else "FAIL " + "; ".join(found.problems)
