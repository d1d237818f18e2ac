"""`payments certify`: shows on the warehouse of the settings what exactly-once rests on there.

Belongs here: arguments, printing. Does not belong here: the questions (certify).
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.certify.findings import Finding, Verdict
from orchestration.certify.run import certify as ask_everything
from orchestration.errors import CommandError
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say
from orchestration.settings import read_stack_settings


def certify(
    report: Annotated[Path, typer.Option(help="The folder for certify.json and certify.md.")] = Path(),
) -> None:
    """Show, in a dataset of its own, every statement and semantic that exactly-once rests on; deletes it afterwards."""
    settings = read_stack_settings()
    Stack(settings).require_answering_warehouse()
    done = ask_everything(settings.job, _print_finding)
    try:
        files = done.write(report)
    except OSError as problem:
        raise CommandError(f"The report cannot be written to {report}: {problem.strerror}.") from None
    say(f"The report is in {' and '.join(str(path) for path in files)}.")
    if not done.is_bigquery:
        say("A local stand-in was asked: nothing of this is shown for BigQuery itself.")
    if done.has_failed:
        failed = sum(finding.verdict is Verdict.FAILED for finding in done.findings)
        raise CommandError(f"{failed} of {len(done.findings)} questions failed: do not publish to this warehouse yet.")


def _print_finding(finding: Finding) -> None:
    say(f"{finding.verdict:>14}  {finding.question}: {finding.detail}")
