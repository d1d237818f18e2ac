"""`payments scenario`: one of the scenarios of the field, shown on a stack of its own and proved.

Belongs here: arguments, printing, the exit code. Does not belong here: what happens (scenarios/).
"""

import json
import signal
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from orchestration.errors import CommandError
from orchestration.presentation.console import say, table
from orchestration.scenarios.harness.own_stack import own_sandbox
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.transcript import Transcript
from orchestration.scenarios.registry import SCENARIOS, summary_of
from spark_jobs.settings import SettingError


def scenario(
    name: Annotated[str | None, typer.Argument(help="Which one; without, they are listed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the transcript.")] = False,
) -> None:
    """Show one of the scenarios of the field on a stack of its own, and prove its outcome. Exits 1 where it fails."""
    if name is None:
        _list(as_json=as_json)
        return
    if name not in SCENARIOS:
        raise SettingError(f"There is no scenario {name!r}: it is one of {', '.join(SCENARIOS)}.")
    perform({"scenario": name}, SCENARIOS[name], f"{name} is not proved", as_json=as_json)


def perform(head: dict[str, str], run: Callable[[Sandbox, Transcript], None], unproved: str, *, as_json: bool) -> None:
    """Show what happens on a stack of its own, and what was claimed of it.

    Args:
        head: what the JSON object begins with.
        run: what happens.
        unproved: the beginning of the line that says which claim failed.
        as_json: prints one JSON object instead of the transcript.

    Raises:
        CommandError: a claim failed.
    """
    # Broker and warehouse are processes of their own: a plain end would leave them running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    transcript = Transcript(is_silent=as_json)
    with own_sandbox(transcript) as sandbox:
        run(sandbox, transcript)
        transcript.conclude()
    if as_json:
        typer.echo(json.dumps({**head, **transcript.as_dict()}, indent=2, default=str))
    if not transcript.is_proved:
        raise CommandError(f"{unproved}: {transcript.failure()}")
    if not as_json:
        say(f"Proved: {summary_of(run)}")


def _list(*, as_json: bool) -> None:
    known = {name: summary_of(run) for name, run in SCENARIOS.items()}
    if as_json:
        typer.echo(json.dumps(known, indent=2))
    else:
        table("payments scenario NAME", ("name", "what it shows"), known.items())
