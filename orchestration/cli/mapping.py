"""`payments mapping`: what the user's own events mean, drafted, checked, tested and compared.

Belongs here: arguments, printing, reading the files. Does not belong here: the language and what it does
(spark_jobs.mapping).
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.errors import CommandError
from orchestration.presentation.console import say, table

if TYPE_CHECKING:
    from spark_jobs.mapping.spec import Mapping
    from spark_jobs.mapping.trials.samples import Verdict

group = typer.Typer(
    help="What the events of your topic mean: payment_event.toml, drafted, checked, tested and compared.",
    no_args_is_help=True,
)

_File = Annotated[
    Path | None, typer.Argument(help="The mapping file; default: PAYMENTS_EVENT_MAPPING, or payment_event.toml here.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")]


@group.command()
def check(file: _File = None, as_json: _Json = False) -> None:
    """Validate a mapping file, without Kafka and without samples. Exits 1 where it cannot be used."""
    from spark_jobs.mapping.mapping_error import MappingError
    from spark_jobs.mapping.spec import read_mapping

    path = _path(file)
    try:
        mapping = read_mapping(_text(path), str(path))
    except MappingError as error:
        if as_json:
            wrong = [{"line": f.line, "key": f.place, "message": f.message} for f in error.findings]
            typer.echo(json.dumps({"ok": False, "file": str(path), "findings": wrong}, indent=2))
        else:
            for finding in error.findings:
                say(f"{path}: {finding}")
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps({"ok": True, "file": str(path), **_summary(mapping)}, indent=2))
    else:
        summary = _summary(mapping)
        say(
            f"{path} is good: version {mapping.version} ({mapping.hash}), format {mapping.format}, "
            f"{len(summary['fields'])} fields, {len(summary['rules'])} rules for what is no payment."
        )
        if summary["absent"]:
            say(f"Not mapped, so empty: {', '.join(summary['absent'])}.")


@group.command("test")
def run_samples(
    file: _File = None,
    samples: Annotated[
        Path | None, typer.Option(help="Samples with expected results; default: samples.jsonl beside the file.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Map the samples beside the file, and compare each with what must become of it. Exits 1 where one differs."""
    from spark_jobs.mapping.trials.samples import FILE_NAME, SampleError, judge, read_samples

    path = _path(file)
    beside = samples or path.parent / FILE_NAME
    mapping = _mapping(path)
    try:
        verdicts = judge(mapping, read_samples(_text(beside), str(beside)))
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


def _path(file: Path | None) -> Path:
    return file or Path(os.environ.get("PAYMENTS_EVENT_MAPPING") or "payment_event.toml").expanduser()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"{path} cannot be read: {error.strerror}. `payments mapping infer TOPIC` drafts a mapping."
        ) from None
    except UnicodeDecodeError:
        raise CommandError(f"{path} is no text in UTF-8.") from None


def _mapping(path: Path) -> "Mapping":
    from spark_jobs.mapping.mapping_error import MappingError
    from spark_jobs.mapping.spec import read_mapping

    try:
        return read_mapping(_text(path), str(path))
    except MappingError as error:
        raise CommandError(str(error)) from None


def _summary(mapping: "Mapping") -> dict[str, Any]:
    from spark_jobs.contract.payment_event import FIELD_NAMES

    return {
        "version": mapping.version,
        "hash": mapping.hash,
        "format": mapping.format,
        "fields": list(mapping.fields),
        "absent": [name for name in FIELD_NAMES if name not in mapping.fields],
        "rules": [rule.name for rule in mapping.rules],
        "extra": list(mapping.extra),
    }


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
