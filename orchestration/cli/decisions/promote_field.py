"""`payments promote-field`: lists the fields that the contract does not know, and reads one of them as a column.

Belongs here: arguments, printing. Does not belong here: what a promotion is (spark_jobs.corrections).
"""

from getpass import getuser
from typing import Annotated

import typer

from orchestration.errors import CommandError
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.presentation.field_cells import COLUMNS, cells
from orchestration.settings import read_stack_settings


def promote_field(
    name: Annotated[str | None, typer.Argument(help="The field; without, all that are unknown are listed.")] = None,
    type_: Annotated[
        str | None,
        typer.Argument(metavar="[TYPE]", help="BOOL, INT64, NUMERIC, DATE, TIMESTAMP or STRING; default: what fits."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in promoted_fields beside who and when.")] = "",
) -> None:
    """List unknown fields, or read one as a column of payment_transactions_promoted, of old payments too."""
    if name and not reason.strip():
        raise typer.BadParameter("a promotion needs a --reason, which is kept on record")
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    from spark_jobs.corrections.promoted_fields import VIEW, CannotPromote, FieldType, promote, unknown_fields
    from spark_jobs.warehouse.client import connect

    if type_ and type_.upper() not in set(FieldType):
        raise typer.BadParameter(f"TYPE is one of {', '.join(FieldType)}, not {type_}")
    with connect(settings.job) as client:
        fields = unknown_fields(client, settings.job)
        if name is None:
            if fields:
                table("Fields that the contract does not know", COLUMNS, [cells(field) for field in fields])
            else:
                say("No payment carries a field that the contract does not know.")
            return
        inferred = {field.name: field.inferred_type for field in fields}
        chosen = FieldType(type_.upper()) if type_ else inferred.get(name, FieldType.STRING)
        try:
            done = promote(client, settings.job, name, chosen, promoted_by=getuser(), reason=reason.strip())
        except CannotPromote as error:
            raise CommandError(str(error)) from error
    say(f"{VIEW}.{done.name} is {done.promoted_as}: {done.payments} payments, {done.misfits} do not fit and are NULL.")
