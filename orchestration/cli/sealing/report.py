"""`payments report`: what became of a day's payments, on one page, kept and signed off.

Belongs here: arguments, the file, printing. Does not belong here: what stands in it (compliance).
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.sealing.days import day_of
from orchestration.errors import CommandError
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import read_stack_settings
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from orchestration.compliance.day_report import Report


def report(
    day: Annotated[str, typer.Argument(help="UTC day, YYYY-MM-DD.")],
    anew: Annotated[bool, typer.Option("--anew", help="Make it of what is known now; the older one is kept.")] = False,
    sign_off: Annotated[str, typer.Option(help="Your name: the report, as you see it, is signed off by it.")] = "",
    note: Annotated[str, typer.Option(help="With --sign-off: what you want to be kept beside it.")] = "",
    html: Annotated[Path | None, typer.Option(help="Write it as one HTML file, which prints as it stands.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Show what was delivered, counted, held, corrected and erased on a day. It is made once and kept."""
    if note and not sign_off:
        raise typer.BadParameter("--note goes with --sign-off")
    asked = day_of(day)
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    from orchestration.compliance import reporting
    from orchestration.compliance.page import page_of
    from spark_jobs.retention.marks import read_kept
    from spark_jobs.warehouse.client import connect

    with connect(settings.job, Work.SEAL) as client:
        try:
            found, signatures = reporting.kept(client, settings.job, asked)
        except ValueError as changed:
            raise CommandError(str(changed)) from None
        if (found is None or anew) and read_kept(client, settings.job).has_expired(asked):
            raise CommandError(f"Rows of {asked} have expired: a report of now would not have them.")
        if found is None or anew:
            found, signatures = reporting.make(client, settings.job, asked, getuser(), datetime.now(UTC)), []
            reporting.keep(client, settings.job, found)
        if sign_off:
            reporting.keep(client, settings.job, found, sign_off, note)
            signatures = [*signatures, {"signed_by": sign_off, "note": note}]
    if html:
        try:
            html.write_text(page_of(found, signatures))
        except OSError as problem:
            raise CommandError(f"{html} cannot be written: {problem}.") from None
    if as_json:
        names = [row["signed_by"] for row in signatures]
        typer.echo(json.dumps(asdict(found) | {"sha256": found.sha256(), "signed_by": names}, indent=2))
        return
    show(found)
    for row in signatures:
        say(f"Signed off by {row['signed_by']}{': ' if row['note'] else ''}{row['note'] or ''}")


def show(found: "Report") -> None:
    """For a person."""
    from orchestration.compliance.sections import SECTIONS

    for section in SECTIONS:
        rows = found.sections.get(section.name)
        if rows:
            table(section.title, tuple(rows[0]), [tuple(row.values()) for row in rows])
        else:
            say(f"{section.title}: {'not known, as dbt has not built it' if rows is None else 'nothing'}")
    say(f"Made at {found.made_at} by {found.made_by}. SHA-256 of the report: {found.sha256()}")
