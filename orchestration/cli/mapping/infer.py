"""`payments mapping infer`: a first mapping from records of the topic or of a file.

Belongs here: arguments, printing. Does not belong here: the draft (spark_jobs.mapping).
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.mapping.records import MOST_RECORDS, read_records, shipped, shipped_folders
from orchestration.errors import CommandError
from orchestration.presentation.console import say, table

if TYPE_CHECKING:
    from spark_jobs.mapping.trials.drafting import Draft
    from spark_jobs.mapping.trials.profile import Seen


def infer(
    source: Annotated[
        str | None, typer.Argument(metavar="[TOPIC|FILE]", help="A topic, or a file of events; default: the topic.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the draft to this file, which must not exist.")] = None,
    sample: Annotated[int, typer.Option(min=1, max=MOST_RECORDS, help="How many of the newest records.")] = 1_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Draft a mapping, with what was seen of each path. Values are redacted: letters are a, digits are 9."""
    from spark_jobs.mapping.trials.drafting import draft, fitting

    records = read_records(source, sample)
    drafted = draft(records)
    fits = fitting(shipped(), records)
    if output is not None:
        _write(output, drafted.text)
    if as_json:
        typer.echo(json.dumps(_as_dict(drafted, fits), indent=2))
        return
    if drafted.unreadable:
        say(f"{drafted.unreadable} of {len(records)} records are no {drafted.format} and were left out.")
    table(
        f"What was seen in {drafted.documents} records ({drafted.format})",
        ("path", "share", "types", "examples, redacted"),
        [_cells(seen, drafted.documents) for seen in drafted.paths if seen.is_scalar or seen.longest_list > 1],
    )
    if output is None:
        say(drafted.text)
    if fits is not None:
        folder = next(folder for folder in shipped_folders() if folder.name == fits)
        say(f"The shipped mapping {fits!r} reads these records: copy {folder / 'payment_event.toml'} instead.")
    if drafted.open_fields:
        say(f"Nothing was found for {', '.join(drafted.open_fields)}.")
    if output is not None:
        say(f"{output} is a draft. Read it, then: payments mapping check {output}")


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CommandError(f"{path} is there already; name another --output.") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None


def _cells(seen: "Seen", documents: int) -> tuple[str, str, str, str]:
    types = "/".join(sorted(seen.types)) + (f", up to {seen.longest_list} long" if seen.longest_list > 1 else "")
    return seen.path, f"{seen.share(documents):.0%}", types, seen.example()


def _as_dict(drafted: "Draft", fits: str | None) -> dict[str, Any]:
    return {
        "format": drafted.format,
        "records": drafted.documents,
        "unreadable": drafted.unreadable,
        "shipped": fits,
        "open_fields": list(drafted.open_fields),
        "paths": [
            {
                "path": seen.path,
                "share": round(seen.share(drafted.documents), 4),
                "types": dict(sorted(seen.types.items())),
                "example": seen.example(),
                "longest_list": seen.longest_list,
            }
            for seen in drafted.paths
        ],
        "draft": drafted.text,
    }
