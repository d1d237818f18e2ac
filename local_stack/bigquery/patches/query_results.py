"""Results of queries, worked out once. Runs in the warehouse's environment, as the server does.

Belongs here: how the result of a query becomes the table that its job names. Does not belong here: tables that somebody
has asked for. To know the types of a result local-bigquery plans its query twice before it runs it, and planning is the
larger part of a small query: of DuckLake's tables, it reads the catalog and the list of files.

Without it the server's CPU time is
+11 % for a small batch, -2 % for a large one, -5 % for a dbt build
(`make bench-patches`).
"""

from typing import Any

REPLACES = {
    "local_bigquery.catalog.tables:write": "7d120f9e8b1e",
}
_TRAVELS = {
    "bigint",
    "boolean",
    "date",
    "decimal",
    "double",
    "hugeint",
    "integer",
    "timestamp with time zone",
    "varchar",
}
"""Types that come out of Arrow as they went in, but for a cast to what BigQuery calls them."""


def install() -> None:
    """Put it in place; before the server starts."""
    from local_bigquery.catalog import tables
    from local_bigquery.engine import database

    write = tables.write

    def write_once(cur: Any, query: str, params: Any, reference: Any, *args: Any, **options: Any) -> Any:
        if reference[1] == tables.RESULTS:
            cur.execute(query, params)
            columns = [(described[0], described[1]) for described in cur.description]
            if all(type_.id in _TRAVELS for _, type_ in columns):
                # All of it at once: what fails in a query must not look as if it failed in the writing.
                result = cur.to_arrow_table()
                with database.cursor() as writer:
                    writer.register("result", result)
                    writer.execute(f"create or replace table {tables.name(*reference)} as {_select(columns)}")
                return True
        return write(cur, query, params, reference, *args, **options)

    tables.write = write_once


def _select(columns: list[tuple[str, Any]]) -> str:
    """The result again, each column of the type that BigQuery has for it."""
    from local_bigquery.engine import results, types
    from local_bigquery.engine.database import quote

    names = results.unique([name for name, _ in columns])
    places = [f"c{number}" for number in range(len(columns))]
    typed = [
        f"{types.cast(place, type_)}{'::json' if str(type_) == 'JSON' else ''} as {quote(name)}"
        for place, name, (_, type_) in zip(places, names, columns, strict=True)
    ]
    return f"select {', '.join(typed)} from result as r({', '.join(places)})"
