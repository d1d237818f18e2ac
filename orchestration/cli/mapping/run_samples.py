"""`payments mapping test`: maps the samples beside a mapping, and compares each with what must become of it.

Belongs here: arguments, printing. Does not belong here: judging (spark_jobs.mapping).
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.mapping.files import FileArgument, JsonOption, path_of, read_file, read_text
from orchestration.errors import CommandError
from orchestration.presentation.console import say, table

if TYPE_CHECKING:
    from spark_jobs.mapping.trials.samples import Verdict


def run_samples(
    file: FileArgument = None,
    samples: Annotated[
        Path | None, typer.Option(help="Samples with expected results; default: samples.jsonl beside the file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Map the samples beside the file, and compare each with what must become of it. Exits 1 where one differs."""
    from spark_jobs.mapping.trials.samples import FILE_NAME, SampleError, judge, read_samples

    path = path_of(file)
    beside = samples or path.parent / FILE_NAME
    mapping = read_file(path)
    try:
        verdicts = judge(mapping, read_samples(read_text(beside), str(beside)))
    except SampleError as error:
        raise CommandError(str(error)) from None
    is_good = all(verdict.is_good for verdict in verdicts)
    if as_json:
        typer.echo(json.dumps({"ok": is_good, "samples": [_verdict(verdict) for verdict in verdicts]}, indent=2))
    else:
        rows = [("PASS" if v.is_good else "FAIL", v.sample.name, v.outcome.word) for v in verdicts]
        table(f"Samples of {path}, version {mapping.version} ({mapping.hash})", ("", "sample", "outcome"), rows)
        for verdict in verdicts:
            for difference in verdict.differences():
                say(f"{verdict.sample.name}: {difference}")
        failed = sum(not verdict.is_good for verdict in verdicts)
        say(f"{len(verdicts)} samples: {f'{failed} differ.' if failed else 'each is as expected.'}")
    if not is_good:
        raise typer.Exit(1)


def _verdict(verdict: "Verdict") -> dict[str, Any]:
    outcome = verdict.outcome
    return {
        "name": verdict.sample.name,
        "ok": verdict.is_good,
        "row": outcome.row,
        "reasons": list(outcome.reasons),
        "ignored": outcome.ignored,
        "differences": verdict.differences(),
    }
