"""`payments break`: a disaster of the field, caused on purpose on a stack of its own, seen, and mended.

Belongs here: arguments, printing, the exit code. Does not belong here: what breaks (breaks).
"""

import json
import signal
import sys
from typing import Annotated

import typer

from orchestration.breaks.by_name import BREAKS
from orchestration.errors import CommandError
from orchestration.presentation.console import say, table
from orchestration.scenarios.harness.own_stack import own_sandbox
from orchestration.scenarios.harness.transcript import Transcript
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
    # Broker and warehouse are processes of their own: a plain end would leave them running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    transcript = Transcript(is_silent=as_json)
    with own_sandbox(transcript) as sandbox:
        BREAKS[name](sandbox, transcript)
        transcript.conclude()
    if as_json:
        typer.echo(json.dumps({"break": name, **transcript.as_dict()}, indent=2, default=str))
    if not transcript.is_proved:
        raise CommandError(f"{name} is not as it should be: {transcript.failure()}")
    if not as_json:
        say(f"Proved: {summary_of(BREAKS[name])}")
