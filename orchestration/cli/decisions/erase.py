"""`payments erase`: what names one account, shown by day and currency, and on --yes erased, with a receipt.

Belongs here: arguments, the order of the steps, printing. Does not belong here: what is erased and what stays
(spark_jobs.erasure, docs/adr/0011).
"""

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.platform.builds import build_and_show
from orchestration.platform.decisions import decided
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.presentation.erasure_cells import COLUMNS, RECEIPT_COLUMNS, cells, receipt_cells
from orchestration.settings import StackSettings, read_stack_settings
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

    from spark_jobs.retention.kept import Kept


def erase(
    account: Annotated[str, typer.Argument(help="The account, as records write it: an id, or any other text.")],
    reason: Annotated[str, typer.Option(help="Why; kept in payment_erasures beside who and when.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Erase; without, only show what would be.")] = False,
) -> None:
    """Show what names an account, by day and currency; with --yes erase it for good and print the receipt."""
    from spark_jobs.erasure.account_names import NotAnAccount, account_of

    try:
        account = account_of(account)
    except NotAnAccount as error:
        raise typer.BadParameter(str(error)) from None
    if yes and not reason.strip():
        raise typer.BadParameter("--yes needs a --reason, which is kept on record")
    if account.casefold() in reason.casefold():
        raise typer.BadParameter("the --reason is kept, so it must not name the account")
    settings = read_stack_settings()
    # The marts are built anew at the end.
    (Stack(settings).require_data_plane if yes else Stack(settings).require_warehouse)()
    from spark_jobs.warehouse.client import connect

    with connect(settings.job, Work.ERASURE) as client:
        if not yes:
            _show(client, settings, account)
            return
        carry_out(client, settings, account, reason.strip())
    if not build_and_show(settings):
        raise typer.Exit(1)


def _show(client: "Client", settings: StackSettings, account: str) -> None:
    from spark_jobs.erasure.account_search import find, unsearchable
    from spark_jobs.erasure.erase import receipts
    from spark_jobs.retention.marks import read_kept

    hidden = unsearchable(client, settings.job)
    if hidden:
        say(f"{hidden} quarantined records are no text (payment_errors: INVALID_UTF8). They are not searched.")
    for line in expired_lines(read_kept(client, settings.job)):
        say(line)
    found = find(client, settings.job, account)
    if found:
        table("What names the account", COLUMNS, cells(found))
        say("To erase it for good: --yes --reason '...'")
        return
    earlier = receipts(client, settings.job, account)
    say("Nothing names the account." if not earlier else "Nothing names the account any more.")
    if earlier:
        table("Receipts", RECEIPT_COLUMNS, receipt_cells(earlier))


def expired_lines(kept: "Kept") -> list[str]:
    """What no erasure has to look for any more."""
    lines = []
    if kept.payments or kept.deliveries:
        marks = {"payments": kept.payments, "deliveries": kept.deliveries}
        days = " and ".join(f"{name} before {mark.kept_from}" for name, mark in marks.items() if mark)
        lines.append(
            f"By itself has expired, and is gone for good: {days}. Decisions about them are kept, and searched."
        )
    if kept.raw_values:
        lines.append(f"Of deliveries before {kept.raw_values.kept_from} no value is kept that could name an account.")
    return lines


def carry_out(client: "Client", settings: StackSettings, account: str, reason: str) -> None:
    """Erase, have Delta follow, remove copies, print receipts. Sums count the account until the next build."""
    from spark_jobs.decision_queue.request import Kind
    from spark_jobs.erasure.copies import delete_by_id, drop_copies, remove_leftover_files
    from spark_jobs.erasure.erase import receipts
    from spark_jobs.warehouse.control_row import read_control

    done = decided(client, settings, Kind.ERASURE, {"account": account}, reason=reason)
    say(f"Erased: {done.decided} deliveries." if done.decided else "Nothing was left to erase.")
    table("Receipts, in payment_erasures", RECEIPT_COLUMNS, receipt_cells(receipts(client, settings.job, account)))
    control = read_control(client, settings.job)
    if control and settings.job.has_delta:
        from spark_jobs.sinks.delta.mirror import Mirror

        Mirror(client, settings.job).catch_up(control)
        say("Delta has followed: the rows are out of its tables and of their files.")
    if control:
        remove_leftover_files(settings.job, control.generation)
    # Also where nothing was left: a command that died may have left them.
    gone = delete_by_id(client, settings.job, account)
    drop_copies(client, settings.job, account)
    say(f"{gone} rows of its payments are out of dbt's tables. The next build makes the sums of its days anew.")
