"""Statements on local-bigquery's own connection. Runs in the warehouse's environment, as the server does.

Belongs here: running one, and naming what it is about. Does not belong here: which ones.
"""

from typing import Any


def metadata_of(project_id: str) -> str:
    """DuckLake's own catalog of a project."""
    from local_bigquery.engine.database import quote

    name: str = quote(f"__ducklake_metadata_{project_id}")
    return name


def fetch(sql: str, values: list[Any] | None = None) -> list[Any]:
    """Its rows."""
    from local_bigquery.engine import database

    rows: list[Any] = database.fetch(sql, values)
    return rows


def text_of(value: str) -> str:
    """The value, as a statement has it."""
    from local_bigquery.jobs.storage import literal

    text: str = literal(value)
    return text
