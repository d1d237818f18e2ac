"""`payments promote-field`: lists the fields that the contract does not know, and reads one of them as a column.

Belongs here: arguments, printing. Does not belong here: what a promotion is (spark_jobs.corrections).
"""

from getpass import getuser
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.errors import CommandError
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.presentation.field_cells import COLUMNS, cells
from orchestration.settings import read_stack_settings
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

    from spark_jobs.settings import JobSettings


def promote_field(
    name: Annotated[str | None, typer.Argument(help="The field; without, all that are unknown are listed.")] = None,
    type_: Annotated[
        str | None,
        typer.Argument(metavar="[TYPE]", help="BOOL, INT64, NUMERIC, DATE, TIMESTAMP or STRING; default: what fits."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in promoted_fields beside who and when.")] = "",
    undo: Annotated[
        bool, typer.Option("--undo", help="Take the promotion back: the field is a column no more.")
    ] = False,
) -> None:
    """List unknown fields, or read one as a column of payment_transactions_promoted, of old payments too."""
    if name and not reason.strip():
        raise typer.BadParameter("a promotion needs a --reason, which is kept on record")
    if undo and (name is None or type_):
        raise typer.BadParameter("--undo takes the NAME of a promoted field, and no TYPE")
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    from spark_jobs.corrections.promoted_fields import CannotPromote, FieldType
    from spark_jobs.warehouse.client import connect

    if type_ and type_.upper() not in set(FieldType):
        raise typer.BadParameter(f"TYPE is one of {', '.join(FieldType)}, not {type_}")
    with connect(settings.job, Work.DECISION) as client:
        if name is None:
            _list(client, settings.job)
            return
        try:
            decide = _take_back if undo else _promote
            say(decide(client, settings.job, name, type_, reason.strip()))
        except CannotPromote as error:
            raise CommandError(str(error)) from error


def _list(client: "Client", settings: "JobSettings") -> None:
    from spark_jobs.corrections.promoted_fields import unknown_fields

    fields = unknown_fields(client, settings)
    if not fields.described:
        say("No payment carries a field that the contract does not know.")
        return
    table("Fields that the contract does not know", COLUMNS, [cells(field) for field in fields.described])
    if fields.more:
        say(f"{fields.more} more by their names are not listed; each can be promoted.")


def _promote(client: "Client", settings: "JobSettings", name: str, type_: str | None, reason: str) -> str:
    from spark_jobs.corrections.promoted_fields import VIEW, FieldType, promote, unknown_field

    chosen = FieldType(type_.upper()) if type_ else unknown_field(client, settings, name).inferred_type
    done = promote(client, settings, name, chosen, promoted_by=getuser(), reason=reason)
    return (
        f"{VIEW}.{done.name} is {done.promoted_as}: {done.payments} payments, {done.misfits} do not fit and are NULL."
    )


def _take_back(client: "Client", settings: "JobSettings", name: str, _: str | None, reason: str) -> str:
    from spark_jobs.corrections.promoted_fields import VIEW, take_back

    take_back(client, settings, name, taken_back_by=getuser(), reason=reason)
    return f"{VIEW} has no column {name} any more. Its values stay in extra_fields."
