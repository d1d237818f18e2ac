"""`payments costs`: what the warehouse really billed, by what each job was for.

Belongs here: arguments, printing. Does not belong here: reading the job list (billed_jobs), what a bill would be
(benchmarks).
"""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from orchestration.cli.costs.billed_jobs import WorkTotals, billed, listed
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import read_stack_settings

GIB = 2**30
_BILLED = ("work", "jobs", "rows changed", "GiB billed", "$ on demand", "slot hours", "$ by slots")
_LISTED = ("work", "jobs", "rows changed", "seconds")


def costs(
    days: Annotated[float, typer.Option(min=0.01, max=180, help="How far back; BigQuery keeps jobs for 180 days.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Show what the warehouse's job list says of our jobs, by label: bytes billed, slots, dollars at list price."""
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    from spark_jobs.warehouse.client import connect

    is_local = settings.job.emulator_host is not None
    since = datetime.now(UTC) - timedelta(days=days)
    with connect(settings.job) as client:
        totals = (listed if is_local else billed)(client, settings.job, since)
    if as_json:
        typer.echo(json.dumps({"since": since.isoformat(), "work": [_as_dict(each) for each in totals]}, indent=2))
        return
    title = f"Jobs since {since:%Y-%m-%d %H:%M} UTC"
    if is_local:
        table(title, _LISTED, [(t.work, t.jobs, t.rows_changed, f"{t.seconds:.1f}") for t in totals])
        say("The local warehouse does not tell what it scans: docs/costs.md says what BigQuery would bill.")
    else:
        table(title, _BILLED, [_cells(each) for each in totals])
        say("Dollars are list prices of the United States, before the free TiB of each month.")


def _cells(totals: WorkTotals) -> tuple[object, ...]:
    return (
        totals.work,
        totals.jobs,
        totals.rows_changed,
        f"{(totals.bytes_billed or 0) / GIB:,.2f}",
        f"{totals.dollars_on_demand or 0:,.2f}",
        f"{totals.slot_hours or 0:,.2f}",
        f"{totals.dollars_by_slots or 0:,.2f}",
    )


def _as_dict(totals: WorkTotals) -> dict[str, object]:
    return asdict(totals) | {
        "dollars_on_demand": totals.dollars_on_demand,
        "dollars_by_slots": totals.dollars_by_slots,
    }
