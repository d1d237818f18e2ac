"""Mapping files for the commands: where they lie, and reading them.

Belongs here: paths and errors. Does not belong here: the language (spark_jobs.mapping).
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.errors import CommandError

if TYPE_CHECKING:
    from spark_jobs.mapping.spec import Mapping

FileArgument = Annotated[
    Path | None, typer.Argument(help="The mapping file; default: PAYMENTS_EVENT_MAPPING, or payment_event.toml here.")
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")]


def path_of(file: Path | None) -> Path:
    """The file that is named, or that of the settings."""
    return file or Path(os.environ.get("PAYMENTS_EVENT_MAPPING") or "payment_event.toml").expanduser()


def read_text(path: Path) -> str:
    """A file's text; one line of error where it has none."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"{path} cannot be read: {error.strerror}. `payments mapping infer TOPIC` drafts a mapping."
        ) from None
    except UnicodeDecodeError:
        raise CommandError(f"{path} is no text in UTF-8.") from None


def read_file(path: Path) -> "Mapping":
    """The mapping of a file; one line of error where it is wrong."""
    from spark_jobs.mapping.mapping_error import MappingError
    from spark_jobs.mapping.spec import read_mapping

    try:
        return read_mapping(read_text(path), str(path))
    except MappingError as error:
        raise CommandError(str(error)) from None
