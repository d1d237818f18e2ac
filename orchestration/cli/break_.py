"""`payments break`: a disaster of the field, caused on purpose on a stack of its own, seen, and mended.

Belongs here: arguments, printing, the exit code. Does not belong here: what breaks (breaks).
"""

from typing import Annotated

import typer

from orchestration.breaks.by_name import BREAKS
from orchestration.cli.scenario import perform
from orchestration.presentation.console import table
from orchestration.scenarios.registry import summary_of
from spark_jobs.settings import SettingError


def break_(
    name: Annotated[str | None, typer.Argument(help="Which one; without, they are listed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the transcript.")] = False,
) -> None:
    """Cause a disaster on a stack of its own, show what doctor and alerts see, and mend it. Exits 1 where it fails."""
    if name is None:
        table("payments break NAME", ("name", "what it shows"), [(n, summary_of(run)) for n, run in BREAKS.items()])
        return
    if name not in BREAKS:
        raise SettingError(f"There is no break {name!r}: it is one of {', '.join(BREAKS)}.")
    perform({"break": name}, BREAKS[name], f"{name} is not as it should be", as_json=as_json)
