"""`payments mapping diff`: what another mapping would change, on a sample of the topic, in records and in money.

Belongs here: arguments, printing. Does not belong here: comparing (spark_jobs.mapping).
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.mapping.files import read_file
from orchestration.cli.mapping.records import MOST_RECORDS, read_records
from orchestration.presentation.console import say, table

if TYPE_CHECKING:
    from spark_jobs.mapping.spec import Mapping
    from spark_jobs.mapping.trials.comparison import Change, Comparison

CONTRACT = "contract"


def diff(
    old: Annotated[Path, typer.Argument(help=f"The mapping that is; {CONTRACT}: none, the contract's own JSON.")],
    new: Annotated[Path, typer.Argument(help=f"The mapping that would be; or {CONTRACT}.")],
    source: Annotated[
        str | None, typer.Argument(metavar="[TOPIC|FILE]", help="A topic, or a file of events; default: the topic.")
    ] = None,
    sample: Annotated[int, typer.Option(min=1, max=MOST_RECORDS, help="How many of the newest records.")] = 1_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Run both mappings on the same records, and show what differs. Exits 1 where something does."""
    from spark_jobs.mapping.trials.comparison import compare

    found = compare(_read(old), _read(new), read_records(source, sample))
    if as_json:
        typer.echo(json.dumps({"same": found.is_same, **asdict(found)}, indent=2))
    else:
        _show(found, str(old), str(new))
    if not found.is_same:
        raise typer.Exit(1)


def _read(path: Path) -> "Mapping | None":
    return None if str(path) == CONTRACT else read_file(path)


def _show(found: "Comparison", old: str, new: str) -> None:
    table(
        f"{found.records} records, by what becomes of them",
        ("", f"by {old}", f"by {new}", "records", "such as"),
        [_cells(change) for change in found.outcomes],
    )
    if found.fields:
        rows = [(change.name, change.count, ", ".join(change.places)) for change in found.fields]
        table("Payments by both, with other fields", ("field", "payments", "such as"), rows)
    if found.money:
        table(
            "Money that moves, net, each transaction_id once",
            ("currency", "events before", "events after", "net before", "net after", "difference"),
            [(m.currency, m.old_count, m.new_count, m.old, m.new, m.difference) for m in found.money],
        )
    say("Nothing changes on these records." if found.is_same else "The mappings differ on these records.")


def _cells(change: "Change") -> tuple[object, ...]:
    if change.is_none:
        return "=", change.old, change.new, change.count, ""
    return "DIFFERS", change.old, change.new, change.count, ", ".join(change.places)
