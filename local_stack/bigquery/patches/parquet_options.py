"""How the warehouse's tables are written to disk. Runs in the warehouse's environment, as the server does.

Belongs here: the options of DuckLake's Parquet files. Does not belong here: files that are loaded as they are
(staging_files).

Without it the server's CPU time is
as it will be measured
(`make bench-patches`).
"""

from typing import Any

REPLACES = {
    "local_bigquery.engine.database:_attach": "ca4897b8e2be",
}
_OPTIONS = {"parquet_version": "2", "parquet_compression": "uncompressed"}
"""To compress what is written takes a quarter of the writing. The second version of the format packs numbers and
prefixes of texts closer, in no time: a payment has 155 bytes, as against 129 with DuckLake's own choice."""


def install() -> None:
    """Put it in place; before the server starts."""
    from local_bigquery.engine import database

    attach = database._attach

    def attach_with_options(connection: Any, project_id: str) -> None:
        attach(connection, project_id)
        for name, value in _OPTIONS.items():
            connection.execute(f"call {database.quote(project_id)}.set_option('{name}', '{value}')")

    database._attach = attach_with_options
