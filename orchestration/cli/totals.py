"""`payments load-totals`: takes in what a sender says it sent, as a file.

Belongs here: arguments, printing. Does not belong here: the file (control_totals), loading (control_totals).
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.platform.stack import Stack
from orchestration.presentation.console import say
from orchestration.settings import read_stack_settings
from spark_jobs.warehouse.job_labels import Work


def load_totals(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV as `payments simulate --control-totals` writes it; with --mapping a provider's report."
        ),
    ],
    mapping: Annotated[
        Path | None, typer.Option(help="TOML: how to read FILE, which is a provider's settlement report.")
    ] = None,
) -> None:
    """Load a sender's control totals, or a provider's settlement report by its mapping, in place of earlier ones."""
    if mapping is not None:
        _load_settlement(file, mapping)
        return
    from orchestration.control_totals.csv_file import read_totals
    from orchestration.control_totals.reports import load_file

    report = read_totals(file)
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    from spark_jobs.warehouse.client import connect

    with connect(settings.job, Work.TOTALS) as client:
        if not load_file(client, settings.job, report):
            say(f"This very file of {report.source} is loaded already: nothing to do.")
            return
    records = sum(row["delivered_count"] for row in report.rows)
    say(f"{len(report.rows)} control totals of {report.source}, {records:,} records: `payments build` compares them.")


def _load_settlement(file: Path, mapping: Path) -> None:
    from orchestration.control_totals.settlement_file import read_settlement
    from orchestration.control_totals.settlement_mapping import read_mapping
    from orchestration.control_totals.settlements import load_settlement

    report = read_settlement(file, read_mapping(mapping))
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    from spark_jobs.warehouse.client import connect

    with connect(settings.job) as client:
        if not load_settlement(client, settings.job, report):
            say(f"This very report of {report.source} is loaded already: nothing to do.")
            return
    days = sorted({row["day"] for row in report.rows})
    payments = sum(row["payment_count"] for row in report.rows)
    say(
        f"{report.source}, {days[0]} to {days[-1]} in {report.zone}: {payments:,} payments of {report.lines:,} lines, "
        f"{len(report.rows)} sums by day and currency. `payments build` compares them."
    )
