"""`payments migrate`: what an older dataset lacks, and bringing it to this version, larger steps too.

Belongs here: arguments, printing. Does not belong here: what each version adds (tables), how it is applied (warehouse).
"""

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.platform.stack import Stack
from orchestration.presentation.console import say, table
from orchestration.settings import read_stack_settings
from spark_jobs.tables.migrations import Migration, newest_version, pending

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

    from spark_jobs.settings import JobSettings


def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done; change nothing.")] = False,
) -> None:
    """Bring a dataset of an older version to this one. Additive changes are applied at every start."""
    settings = read_stack_settings()
    Stack(settings).require_answering_warehouse()
    from spark_jobs.warehouse.client import connect
    from spark_jobs.warehouse.larger_steps import migrate as bring_up
    from spark_jobs.warehouse.table_setup import look

    job = settings.job
    with connect(job) as client:
        if dry_run:
            _forecast(client, job, look(client, job).version)
            return
        was = bring_up(client, job, lambda migration: say(f"Version {migration.version}: {migration.description}."))
    came = f"it was of version {was}" if was else "it was made anew"
    say(f"Dataset {job.dataset} is of schema version {newest_version()}; {came}.")


def _forecast(client: "Client", job: "JobSettings", version: int | None) -> None:
    if version is None:
        say(f"There is no dataset {job.dataset} yet: it would be made, of schema version {newest_version()}.")
        return
    due = pending(version)
    say(f"Dataset {job.dataset} is of schema version {version}; this product's is {newest_version()}.")
    if not due:
        say("There is nothing to do.")
        return
    table("What is lacking", ("version", "what", "adds", "done by"), [_cells(migration) for migration in due])
    for migration in due:
        _show_statements(client, job, migration)
    say("To do it: payments migrate. Nothing is changed yet.")


def _cells(migration: Migration) -> tuple[object, ...]:
    added = [table.name for table in migration.tables]
    added += [f"{table.name}.{column}" for table, columns in migration.columns.items() for column in columns]
    by = "payments migrate" if migration.is_larger else "the next start, or payments migrate"
    return migration.version, migration.description, ", ".join(added), by


def _show_statements(client: "Client", job: "JobSettings", migration: Migration) -> None:
    from spark_jobs.warehouse.larger_steps import bytes_read, statements_of

    for statement in statements_of(job, migration):
        reads = bytes_read(client, statement)
        cost = "what it reads is not known before" if reads is None else f"reads {reads:,} bytes"
        say(f"Version {migration.version}, {cost}: {' '.join(statement.split())}")
