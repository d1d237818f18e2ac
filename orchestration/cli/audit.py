"""`payments audit`: makes a day's digests again from the tables, and says which batch is not as it was published.

Belongs here: arguments, printing. Does not belong here: the rules, reading (verification).
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer

from orchestration.cli.sealing.days import day_of
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import StackSettings, read_stack_settings
from orchestration.verification.ledger_audit import BatchVerdict, DayVerdict, judge
from spark_jobs.warehouse.job_labels import Work

_DIGEST = re.compile(r"[0-9a-f]{64}")
_COLUMNS = ("batch", "published at", "records", "verdict")


def audit(
    day: Annotated[str | None, typer.Argument(help="UTC day, YYYY-MM-DD; default: yesterday.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every day from the first.")] = False,
    opening: Annotated[
        str | None, typer.Option(help="The closing digest of the day before, as you wrote it down.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Recompute the digests of a day's batches. Exits 1 where one is not as it was published."""
    if every and (day or opening):
        raise typer.BadParameter("--all begins with the first day: name neither a day nor an --opening digest")
    if opening and not _DIGEST.fullmatch(opening):
        raise typer.BadParameter(f"a digest is 64 hexadecimal digits, as `payments audit` prints them, not {opening!r}")
    asked = None if every else _day_of(day)
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    verdicts = []
    for verdict in audited(settings, asked, opening):
        verdicts.append(verdict)
        if not as_json:
            show(verdict)
    is_good = all(verdict.is_good for verdict in verdicts)
    if as_json:
        typer.echo(json.dumps({"ok": is_good, "days": [_as_dict(verdict) for verdict in verdicts]}, indent=2))
    elif is_good and not any(verdict.batches for verdict in verdicts):
        say("Nothing was published then, so there is nothing to audit.")
    else:
        say("Audited: every batch is as it was published." if is_good else "Not as it was published.")
    if not is_good:
        raise typer.Exit(1)


def audited(settings: StackSettings, day: date | None, opening: str | None = None) -> Iterator[DayVerdict]:
    """The verdict on one day, or on each, all of one moment."""
    from orchestration.verification.audit_reads import days_of, read_day
    from orchestration.verification.warehouse_reads import WarehouseReads
    from spark_jobs.warehouse.client import connect

    with connect(settings.job, Work.AUDIT) as client, WarehouseReads(client, settings.job).at_one_moment() as reads:
        for each in [day] if day else days_of(reads) or [datetime.now(UTC).date()]:
            yield judge(read_day(reads, each), opening)


def show(verdict: DayVerdict) -> None:
    """One day for a person."""
    title = f"Batches published on {verdict.day} (UTC)"
    if verdict.batches:
        table(title, _COLUMNS, [_cells(batch) for batch in verdict.batches])
    else:
        say(f"{title}: none")
    say(f"Opening digest: {verdict.opening_digest or 'none, nothing was published before'}")
    if verdict.closing_digest:
        say(f"Closing digest: {verdict.closing_digest}   (write it down: the next day follows on it)")


def _cells(batch: BatchVerdict) -> list[object]:
    good = f"OK: {batch.detail}" if batch.detail else "OK"
    reported = f"FAIL {batch.broken}: {batch.detail}" if batch.broken else good
    return [batch.batch_id, f"{batch.published_at:%H:%M:%S}" if batch.published_at else "", batch.delivered, reported]


def _as_dict(verdict: DayVerdict) -> dict[str, Any]:
    answer = asdict(verdict) | {"day": str(verdict.day), "ok": verdict.is_good}
    for batch in answer["batches"]:
        batch["published_at"] = batch["published_at"] and batch["published_at"].isoformat()
    return answer


def _day_of(text: str | None) -> date:
    return datetime.now(UTC).date() - timedelta(days=1) if text is None else day_of(text)
