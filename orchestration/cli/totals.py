"""`payments load-totals`: takes in what a sender says it sent, as a file.

Belongs here: arguments, printing. Does not belong here: the file (control_totals), loading (control_totals).
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.platform.stack import Stack
from orchestration.presentation.console import say
from orchestration.settings import read_stack_settings


def load_totals(
    file: Annotated[Path, typer.Argument(help="CSV, as `payments simulate --control-totals` writes it.")],
) -> None:
    """Load a sender's control totals, in place of what the same source reported before."""
    from orchestration.control_totals.csv_file import read_totals
    from orchestration.control_totals.reports import load_file

    report = read_totals(file)
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    from spark_jobs.warehouse.client import connect

    with connect(settings.job) as client:
        if not load_file(client, settings.job, report):
            say(f"This very file of {report.source} is loaded already: nothing to do.")
            return
    records = sum(row["delivered_count"] for row in report.rows)
    say(f"{len(report.rows)} control totals of {report.source}, {records:,} records: `payments build` compares them.")
