"""`payments resolve`: lists ids with several payloads or several payments, and records which one counts.

Belongs here: arguments, printing. Does not belong here: what a conflict is (spark_jobs.corrections).
"""

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.platform.builds import build_after_decision
from orchestration.platform.decisions import decided
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import read_stack_settings
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from spark_jobs.corrections.conflicts import Conflict

_COLUMNS = ("transaction", "delivery", "disposition", "counts", "currency", "minor units", "event time", "at stake")


def resolve(
    transaction_id: Annotated[
        str | None, typer.Argument(help="The payment; without, all undecided are listed.")
    ] = None,
    keep: Annotated[str | None, typer.Option(help="`first`, or topic/partition/offset of the delivery.")] = None,
    by: Annotated[str | None, typer.Option(help="Who decides; default: you.")] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in payment_corrections beside who and when.")] = "",
) -> None:
    """List conflicts (one id with several payloads, or published twice) with the money at stake, or decide one."""
    if keep and not (transaction_id and reason.strip()):
        raise typer.BadParameter("--keep needs a transaction and a --reason, which is kept on record")
    settings = read_stack_settings()
    # After a decision the models are built anew.
    (Stack(settings).require_data_plane if keep else Stack(settings).require_warehouse)()
    from spark_jobs.corrections.conflicts import conflicts
    from spark_jobs.decision_queue.request import Kind
    from spark_jobs.warehouse.client import connect

    with connect(settings.job, Work.DECISION) as client:
        if transaction_id and keep:
            arguments = {"transaction_id": transaction_id, "keep": keep}
            made = decided(client, settings, Kind.RESOLVE, arguments, reason=reason.strip(), by=by).kinds
        else:
            found = [c for c in conflicts(client, settings.job, transaction_id) if transaction_id or not c.is_decided]
            _show(found)
            return
    kinds = ", ".join(made.elements())
    say(f"Decided and recorded in payment_corrections: {kinds}." if made else "It is decided so already.")
    if made and not build_after_decision(settings):
        raise typer.Exit(1)


def _show(found: "list[Conflict]") -> None:
    if not found:
        say("No conflict waits for a decision.")
        return
    rows = []
    for conflict in found:
        stake = ", ".join(f"{minor} {currency}" for currency, minor in conflict.exposure().items())
        for row in conflict.deliveries:
            place = (row["topic"], row["kafka_partition"], row["kafka_offset"])
            facts = (row["currency"], row["amount_minor"], f"{row['event_time']:%Y-%m-%d %H:%M:%SZ}", stake)
            counts = "yes" if place in conflict.published else ""
            rows.append((conflict.transaction_id, "/".join(map(str, place)), row["disposition"], counts, *facts))
    table("One id, several payloads or payments", _COLUMNS, rows)
    say("To decide: payments resolve TRANSACTION --keep first|TOPIC/PARTITION/OFFSET --reason '...'")
