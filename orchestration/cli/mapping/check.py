"""`payments mapping check`: validates a mapping file.

Belongs here: arguments, printing. Does not belong here: the rules of the language (spark_jobs.mapping).
"""

import json
from typing import TYPE_CHECKING, Any

import typer

from orchestration.cli.mapping.files import FileArgument, JsonOption, path_of, read_text
from orchestration.presentation.console import say

if TYPE_CHECKING:
    from spark_jobs.mapping.spec import Mapping


def check(file: FileArgument = None, as_json: JsonOption = False) -> None:
    """Validate a mapping file, without Kafka and without samples. Exits 1 where it cannot be used."""
    from spark_jobs.mapping.mapping_error import MappingError
    from spark_jobs.mapping.spec import read_mapping

    path = path_of(file)
    try:
        mapping = read_mapping(read_text(path), str(path))
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


def _summary(mapping: "Mapping") -> dict[str, Any]:
    from spark_jobs.contract.payment_event import FIELDS

    return {
        "version": mapping.version,
        "hash": mapping.hash,
        "format": mapping.format,
        "fields": [field.json_name for field in FIELDS if field.name in mapping.fields],
        "absent": [field.json_name for field in FIELDS if field.name not in mapping.fields],
        "rules": [rule.name for rule in mapping.rules],
        "extra": list(mapping.extra),
    }
