"""What a failed check carries: the address of its runbook, and the query that gives the offending rows.

Belongs here: that metadata. Does not belong here: the rows themselves, which may name accounts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration.links.documents import runbook_for, runbook_of_alert
from spark_jobs.settings import JobSettings
from spark_jobs.tables.names import full_name

RUNBOOK, OFFENDING_ROWS = "runbook", "offending_rows"


def way_out(
    group: str, statement: str | None, *, alert: str | None = None, env: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The metadata of a failed check of an asset of `group`; an `alert` names a runbook that fits better."""
    page = runbook_of_alert(alert, env) if alert else runbook_for(group, env)
    return {RUNBOOK: page} | ({OFFENDING_ROWS: as_sql(statement)} if statement else {})


def as_sql(statement: str) -> dg.MarkdownMetadataValue:
    """A statement as the UI shows it."""
    return dg.MetadataValue.md(f"```sql\n{statement.strip()}\n```")


def rows_of(settings: JobSettings, table: str, where: str, columns: Sequence[str] = ("*",)) -> str:
    """The statement of the rows of one table or view that a check has found fault with."""
    return f"select {', '.join(columns)}\nfrom `{full_name(settings, table)}`\nwhere {where}"
