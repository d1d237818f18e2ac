"""`payments lists`: who is never an alert for a time, and who always is.

Belongs here: the group, arguments, printing. Does not belong here: what an entry is (spark_jobs.fraud).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from getpass import getuser
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.errors import CommandError
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import read_stack_settings
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

    from spark_jobs.fraud.lists import Entry, Subject
    from spark_jobs.settings import JobSettings

MAX_DAYS = 3_650
COLUMNS = ("list", "who", "id", "from", "until", "reason", "by")
_KINDS = {"sender": "SENDER", "receiver": "RECEIVER", "merchant": "RECEIVER", "device": "DEVICE"}

lists = typer.Typer(help="Allow and block lists of the fraud team: add, remove, show.", no_args_is_help=True)

_List = Annotated[str, typer.Argument(metavar="LIST", help="allow or block.")]
_Kind = Annotated[str, typer.Argument(metavar="WHO", help="sender, receiver, merchant (a receiver) or device.")]
_Id = Annotated[str, typer.Argument(metavar="ID", help="The account's or the device's id, as payments have it.")]
_Reason = Annotated[str, typer.Option(help="Why; kept in payment_fraud_lists beside who and when.")]


@lists.command()
def add(
    list_name: _List,
    kind: _Kind,
    subject: _Id,
    days: Annotated[int, typer.Option(min=1, max=MAX_DAYS, help="After so many days the entry expires.")] = 90,
    reason: _Reason = "",
) -> None:
    """Put an account or a device on a list from now on. An entry that is there already gets the new expiry."""
    who, why = subject_of(list_name, kind, subject), _stripped(reason)
    from spark_jobs.fraud.lists import add as add_entry

    with _warehouse() as (client, settings):
        entry = add_entry(client, settings, who, days, by=getuser(), reason=why)
    say(f"{_words(who)} until {entry.valid_to:%Y-%m-%d %H:%M} UTC, for payments that are made from now on.")


@lists.command()
def remove(list_name: _List, kind: _Kind, subject: _Id, reason: _Reason = "") -> None:
    """Take an account or a device off a list from now on. Payments made before are judged as before."""
    who, why = subject_of(list_name, kind, subject), _stripped(reason)
    from spark_jobs.fraud.lists import NotListed
    from spark_jobs.fraud.lists import remove as remove_entry

    with _warehouse() as (client, settings):
        try:
            remove_entry(client, settings, who, by=getuser(), reason=why)
        except NotListed as error:
            raise CommandError(str(error)) from error
    say(f"{_words(who)} no more, for payments that are made from now on.")


@lists.command()
def show(
    expired: Annotated[bool, typer.Option("--expired", help="Also entries that are over.")] = False,
) -> None:
    """Show the entries that are in force, the next to expire first."""
    from spark_jobs.fraud.lists import entries

    with _warehouse() as (client, settings):
        found = entries(client, settings, expired=expired)
    if not found:
        say("Nobody is on a list.")
        return
    table("Allow and block lists", COLUMNS, [cells(entry) for entry in found])


def subject_of(list_name: str, kind: str, subject: str) -> "Subject":
    """Who is meant. Raises BadParameter."""
    from spark_jobs.fraud.lists import ListName, Subject, SubjectKind

    if list_name.upper() not in set(ListName):
        raise typer.BadParameter(f"LIST is allow or block, not {list_name}")
    if kind.lower() not in _KINDS:
        raise typer.BadParameter(f"WHO is sender, receiver, merchant or device, not {kind}")
    if not subject.strip():
        raise typer.BadParameter("ID is empty")
    return Subject(ListName(list_name.upper()), SubjectKind(_KINDS[kind.lower()]), subject)


def cells(entry: "Entry") -> list[object]:
    """A row of COLUMNS."""
    moments = (f"{moment:%Y-%m-%d %H:%M}" for moment in (entry.valid_from, entry.valid_to))
    return [entry.list_name, entry.subject_kind, entry.subject, *moments, entry.reason, entry.decided_by]


def _stripped(reason: str) -> str:
    if not reason.strip():
        raise typer.BadParameter("an entry needs a --reason, which is kept on record")
    return reason.strip()


_DONE: Mapping[str, str] = {"ALLOW": "allowed", "BLOCK": "blocked"}


def _words(who: "Subject") -> str:
    return f"{who.kind.capitalize()} {who.subject} is {_DONE[who.list_name]}"


@contextmanager
def _warehouse() -> "Iterator[tuple[Client, JobSettings]]":
    settings = read_stack_settings()
    Stack(settings).require_warehouse()
    from spark_jobs.warehouse.client import connect

    with connect(settings.job, Work.DECISION) as client:
        yield client, settings.job
