"""`payments replay`: quarantined or ignored records sent again after a mending, and late payments admitted or rejected.

Belongs here: arguments, printing. Does not belong here: what is sent and how it is traced (spark_jobs.corrections),
late money (spark_jobs.corrections). Without --yes it only says what would change, in records and in money.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from getpass import getuser
from itertools import batched
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.platform.builds import build_after_decision
from orchestration.platform.decisions import decided
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import StackSettings, read_stack_settings
from spark_jobs.contract.payment_event import NO_PAYMENTS, Disposition, Reason
from spark_jobs.settings import JobSettings
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

    from spark_jobs.corrections.kept_records import Selection


def replay(
    late: Annotated[bool, typer.Option("--late", help="Late payments instead of quarantined records.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="With --late: reject them, on record.")] = False,
    ignored: Annotated[bool, typer.Option("--ignored", help="What the mapping ignored instead.")] = False,
    reason: Annotated[Reason | None, typer.Option(help="Only records quarantined for this reason.")] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(help="Only from this Kafka timestamp (UTC) on; with --late by default 2 days ago."),
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="Only before this Kafka timestamp (UTC).")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many records.")] = 10_000,
    everything: Annotated[bool, typer.Option("--all", help="Also records that would be no payment again.")] = False,
    why: Annotated[str, typer.Option(help="Why; kept on record beside who and when.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would change.")] = False,
) -> None:
    """Send quarantined or ignored records again, or decide about late payments. Without --yes nothing is changed."""
    if yes and not why.strip():
        raise typer.BadParameter("--yes needs a --why, which is kept on record")
    if late and (reason or everything):
        raise typer.BadParameter("--reason and --all are for quarantined records: a late payment is valid")
    if ignored and (late or reason):
        raise typer.BadParameter("--ignored selects records by itself: leave --late and --reason out")
    if reject and not late:
        raise typer.BadParameter("--reject is for late payments: give --late too")
    settings = read_stack_settings()
    Stack(settings).require_data_plane()
    from spark_jobs.corrections.kept_records import Selection
    from spark_jobs.warehouse.client import connect

    chosen = Selection(partition, _utc(since), _utc(until), reason.value if reason else None, limit)
    with connect(settings.job, Work.DECISION) as client:
        if not late:
            kind = Disposition.IGNORED if ignored else Disposition.QUARANTINED
            _resend(client, settings.job, chosen, kind, everything=everything, why=why.strip() if yes else None)
            return
        written = _decide_late(client, settings, chosen, reject=reject, why=why.strip() if yes else None)
    if written and not build_after_decision(settings):
        raise typer.Exit(1)


def _decide_late(
    client: "Client", settings: StackSettings, chosen: "Selection", *, reject: bool, why: str | None
) -> int:
    """Returns how many decisions were written."""
    from spark_jobs.corrections.late_payments import undecided
    from spark_jobs.decision_queue.request import Kind, late_arguments

    kind = Correction.REJECTED_LATE if reject else Correction.ADMITTED_LATE
    if chosen.since is None:
        chosen = chosen.recent(datetime.now(UTC))
        say(f"Looked at: what was delivered since {chosen.since:%Y-%m-%d %H:%M} UTC. --since looks further back.")
    if why is None:
        rows = undecided(client, settings.job, chosen)
        _show_money(f"Late payments that would become {kind}", Counter({}), rows)
        say("To do it: payments replay --late --yes --why '...'" if rows else "No late payment waits for a decision.")
        return 0
    done = decided(client, settings, Kind.LATE, late_arguments(chosen, kind), reason=why)
    _show_table(f"Now {kind}, and recorded in payment_corrections", done.money)
    return done.decided


def _resend(
    client: "Client", job: JobSettings, chosen: "Selection", of: Disposition, *, everything: bool, why: str | None
) -> None:
    from spark_jobs.corrections.replay import MAX_AT_ONCE, answer, candidates, forecast, request
    from spark_jobs.corrections.resend import send
    from spark_jobs.source.topic import TopicReader

    _settle(client, job, resend=why is not None)
    rows = candidates(client, job, chosen, of)
    judged = forecast(client, job, rows, datetime.now(UTC))
    counts = Counter(str(disposition) for disposition, _ in judged)
    _show_money("If sent now", counts, [row for kind, row in judged if kind not in NO_PAYMENTS])
    still = Counter(r for kind, row in judged if kind in NO_PAYMENTS for r in row["reasons"])
    if still:
        table("Would be quarantined or ignored again", ("reason", "records"), still.most_common())
    taken = [
        row for row, (disposition, _) in zip(rows, judged, strict=True) if everything or disposition not in NO_PAYMENTS
    ]
    if why is None or not taken:
        say(f"{len(taken)} records would be sent: --yes --why '...'." if taken else "There is nothing to send.")
        return
    for part in batched(taken, MAX_AT_ONCE, strict=False):
        with TopicReader(job.bootstrap_servers, job.topic) as reader:
            ends = reader.read().latest
        request(client, job, part, ends, requested_by=getuser(), reason=why)
        answer(client, job, send(job, part))
    say(f"{len(taken)} records are sent, and recorded in payment_replays: `payments process` publishes them.")


def _settle(client: "Client", job: JobSettings, *, resend: bool) -> None:
    """Find out what became of earlier requests whose answer was lost, and send what never arrived."""
    from spark_jobs.corrections.replay import answer, open_requests
    from spark_jobs.corrections.resend import place_of, read_back, send

    waiting = open_requests(client, job)
    settled = [row for row in waiting if row["is_settled"]]
    if len(settled) < len(waiting):
        say(f"{len(waiting) - len(settled)} records may still be on their way from a replay of a moment ago.")
    if not settled:
        return
    found = read_back(job, settled)
    answer(client, job, found)
    lost = [row for row in settled if place_of(row) not in found]
    say(f"Of an earlier replay without an answer, {len(found)} records had arrived, {len(lost)} had not.")
    if resend and lost:
        answer(client, job, send(job, lost))


def _show_money(title: str, counts: "Counter[str]", payments: list[dict[str, Any]]) -> None:
    for disposition, count in counts.items():
        say(f"{count} records would be {disposition}.")
    money: dict[str, tuple[int, int]] = {}
    for payment in payments:
        found, minor = money.get(payment["currency"], (0, 0))
        money[payment["currency"]] = (found + 1, minor + payment["amount_minor"])
    _show_table(title, money)


def _show_table(title: str, money: Mapping[str, tuple[int, int]]) -> None:
    """Payments and minor units by currency, where there are any."""
    if money:
        table(title, ("currency", "payments", "minor units"), [(c, *money[c]) for c in sorted(money)])


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC)
