"""`payments verify`: proves the promise from the tables, and from a manifest where one is given.

Belongs here: arguments, reading once, printing. Does not belong here: the rules (verification).
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.errors import CommandError
from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import StackSettings, read_stack_settings
from orchestration.verification.gap_rules import GAP_COLUMNS, gap_cells
from orchestration.verification.ledger_rules import PartitionTally
from orchestration.verification.proof import Verdict, as_dict, examine

if TYPE_CHECKING:
    from simulator.sending.manifest import Manifest

BREAKS_PRINTED = 20
_COLUMNS = ("partition", "delivered", "UNIQUE", "DUPLICATE", "LATE", "QUARANTINED", "IGNORED", "ERASED")


def verify(
    manifest: Annotated[Path | None, typer.Option(help="Compare with this manifest, record by record.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Read sealed days too: every stored row.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Prove that every record is accounted for: sealed days by their seals. Exits 1 where anything breaks."""
    settings = read_stack_settings()
    reported = load_manifest(manifest) if manifest else None
    Stack(settings).require_warehouse()
    verdict = examine(settings, reported, is_full=full)
    if as_json:
        typer.echo(json.dumps(as_dict(verdict), indent=2, default=str))
    else:
        show(verdict)
        say(_not_judged(settings))
    if not verdict.is_proved:
        raise typer.Exit(1)


def _not_judged(settings: StackSettings) -> str:
    """What of the topic no rule could see, since it is not in the warehouse yet."""
    from orchestration.automation.backlog import lag_of
    from orchestration.automation.backlog_reads import read_published
    from orchestration.resources.bigquery import PaymentsBigQueryResource
    from orchestration.resources.broker import BrokerReader
    from spark_jobs.incidents import Incident
    from spark_jobs.source.topic import BrokerUnreachable

    job = settings.job
    # Before the broker is asked: what is published in between is not missed among what waits.
    published = read_published(settings, PaymentsBigQueryResource.from_job_settings(job))
    try:
        topic = BrokerReader(job.bootstrap_servers, job.topic).read()
    except (BrokerUnreachable, Incident) as error:
        return f"Whether more waits in Kafka is not known: {error}"
    lag = lag_of(published, topic)
    return f"Not judged: {lag} records that wait in Kafka." if lag else "Nothing waits in Kafka."


def load_manifest(path: Path) -> "Manifest":
    """The manifest. Raises CommandError with one line."""
    from simulator.sending.manifest import ManifestError, read_manifest

    try:
        return read_manifest(path)
    except ManifestError as error:
        raise CommandError(str(error)) from error


def show(verdict: Verdict) -> None:
    """The same for a person."""
    table(
        "offsets = delivered + holes",
        ("partition", "offsets", "delivered", "holes"),
        [(row.partition, row.offsets, row.delivered, row.holes) for row in verdict.offsets],
    )
    table(
        "delivered = UNIQUE + DUPLICATE + LATE + QUARANTINED + IGNORED + ERASED",
        _COLUMNS,
        [_cells(row) for row in verdict.partitions],
    )
    if verdict.expected:
        show_beside(verdict)
    if verdict.accepted_gaps:
        table("Lost unread, and accepted as lost", GAP_COLUMNS, [gap_cells(gap) for gap in verdict.accepted_gaps])
    if verdict.scope:
        say(
            f"Looked at: the records of batches after {verdict.scope.after_batch}. Days up to"
            f" {verdict.scope.sealed_until} are sealed: of them the ledger, the chain of seals, and the payments of"
            " the newest. `payments verify --full` reads every row."
        )
    expired = [f"{name} of days before {mark.kept_from}" for name, mark in verdict.expired_days().items()]
    if expired:
        say(
            f"Expired: {', '.join(expired)}. {verdict.expired_batches} batches are counted by the ledger alone, and"
            " payments of these days by their seals."
        )
    for why, count in verdict.not_reread.items():
        say(
            f"Not read again: {count} kept records of batches with {why}; their bytes are proved, their fields in part."
        )
    for found in verdict.breaks[:BREAKS_PRINTED]:
        say(f"BROKEN: {found.rule}: {found.where}: expected {found.expected}, found {found.found}")
    if len(verdict.breaks) > BREAKS_PRINTED:
        say(f"... and {len(verdict.breaks) - BREAKS_PRINTED} more.")
    say("Proved: every rule holds." if verdict.is_proved else f"Not proved: {len(verdict.breaks)} breaks.")


def show_beside(verdict: Verdict) -> None:
    """The manifest's counts beside the warehouse's, of the same records."""
    held = {row.partition: row for row in verdict.matched}
    rows: list[list[object]] = []
    for reported in verdict.expected:
        found = held.get(reported.partition)
        rows.append(["sent", *_cells(reported), ""])
        rows.append(
            [
                "warehouse",
                *(_cells(found) if found else [reported.partition, 0, 0, 0, 0, 0, 0, 0]),
                _word(reported == found),
            ]
        )
    table("The manifest beside the warehouse, record by record", ("", *_COLUMNS, "agrees"), rows)


def _cells(row: PartitionTally) -> list[object]:
    return [row.partition, row.delivered, row.unique, row.duplicate, row.late, row.quarantined, row.ignored, row.erased]


def _word(agrees: bool) -> str:
    return "OK" if agrees else "DIFFERS"
