"""Load jobs that keep a Parquet file as it is. Runs in the warehouse's environment, as the server does.

Belongs here: which loads need no second encoding. Does not belong here: being the table that they make
(staging_views).
"""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from local_stack.bigquery.patches.staging_views import STAGED, Reference, adopt, discard

_SAME = {"bigint", "boolean", "double", "varchar", "blob", "date", "timestamp with time zone"}
_WIDENED = {"tinyint", "smallint", "integer"}
"""BigQuery has them as INT64."""


@dataclass(frozen=True)
class _Load:
    reference: Reference
    files: list[str]


_LOAD: ContextVar[_Load | None] = ContextVar("_LOAD", default=None)


def install() -> None:
    """Put it in place; before the server starts."""
    from local_bigquery.catalog import tables
    from local_bigquery.engine import results
    from local_bigquery.jobs import load, runner

    run, materialise = load.run, results.materialise

    def run_knowing(cur: Any, config: Any, upload: str | None) -> Any:
        token = _LOAD.set(None if upload else _adoptable(config))
        try:
            return run(cur, config, upload)
        finally:
            _LOAD.reset(token)

    def materialise_or_adopt(
        cur: Any, query: str, name: str, params: Any = None, append: bool = False, writer: Any = None
    ) -> None:
        load = _LOAD.get()
        if load and not append:
            if _adopt(cur, load, query):
                return
            # It may have been the view's until now.
            name = tables.name(*load.reference)
        materialise(cur, query, name, params, append, writer)

    runner.HANDLERS["load"] = run_knowing
    results.materialise = materialise_or_adopt


def _adoptable(config: Any) -> _Load | None:
    from local_bigquery.catalog import tables

    reference = tables.reference(config.destinationTable)
    if config.sourceFormat != "PARQUET" or config.schema_ or config.hivePartitioningOptions:
        return None
    uris: list[str] = config.sourceUris or []
    if not uris or not all(uri.startswith("file://") for uri in uris) or not reference[2].startswith(STAGED):
        return None
    return _Load(reference, [uri.removeprefix("file://") for uri in uris])


def _adopt(cur: Any, load: _Load, query: str) -> bool:
    """Let the files be the table; False where they do not hold what a table of BigQuery may."""
    from local_bigquery.engine.database import quote

    relation = cur.sql(query)
    fields = list(zip(relation.columns, relation.types, strict=True))
    if not all(_is_kept(type_) for _, type_ in fields) or _has_null_elements(cur, query, fields):
        discard(load.reference)
        return False
    widened = [f"{quote(name)}::bigint as {quote(name)}" for name, type_ in fields if type_.id in _WIDENED]
    adopt(cur, load.reference, load.files, f"* replace ({', '.join(widened)})" if widened else "*")
    return True


def _is_kept(type_: Any) -> bool:
    if type_.id == "list":
        return type_.children[0][1].id in _SAME
    return type_.id in _SAME | _WIDENED or str(type_) == "DECIMAL(38,9)"


def _has_null_elements(cur: Any, query: str, fields: list[tuple[str, Any]]) -> bool:
    from local_bigquery.engine.database import quote

    lists = [quote(name) for name, type_ in fields if type_.id == "list"]
    if not lists:
        return False
    null = " or ".join(f"list_bool_or(list_transform({name}, lambda e: e is null))" for name in lists)
    return bool(cur.execute(f"select count(*) from ({query}) where {null}").fetchone()[0])
