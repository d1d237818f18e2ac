"""`payments label`: writes down what became of a payment: a chargeback, confirmed fraud, or a false alarm.

Belongs here: arguments, printing. Does not belong here: what a label is (spark_jobs.fraud).
"""

from getpass import getuser
from typing import Annotated

import typer

from orchestration.cli.sealing.days import day_of
from orchestration.errors import CommandError
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say
from orchestration.settings import read_stack_settings
from spark_jobs.warehouse.job_labels import Work


def label(
    transaction_id: Annotated[str, typer.Argument(help="The payment's id.")],
    day: Annotated[str, typer.Argument(help="The UTC day of its event_time, YYYY-MM-DD.")],
    label: Annotated[str, typer.Argument(help="chargeback, confirmed-fraud, false-alarm, or none, to take it back.")],
    reason: Annotated[str, typer.Option(help="Why; kept in payment_fraud_labels beside who and when.")] = "",
) -> None:
    """Label a payment; the next backtest uses it. The same label again changes nothing."""
    from spark_jobs.fraud.labels import CannotLabel, Label, label_payment
    from spark_jobs.warehouse.client import connect

    name = label.upper().replace("-", "_")
    if name not in set(Label):
        raise typer.BadParameter(f"LABEL is chargeback, confirmed-fraud, false-alarm or none, not {label}")
    if not reason.strip():
        raise typer.BadParameter("a label needs a --reason, which is kept on record")
    asked = day_of(day)
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    wanted = Label(name)
    with connect(settings.job, Work.DECISION) as client:
        try:
            done = label_payment(
                client, settings.job, transaction_id, asked, wanted, by=getuser(), reason=reason.strip()
            )
        except CannotLabel as error:
            raise CommandError(str(error)) from error
    if done.is_written:
        say(f"{transaction_id} is {wanted}; before it was {done.before}.")
    else:
        say(f"{transaction_id} is {wanted} already: nothing was written.")
