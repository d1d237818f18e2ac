"""Load jobs that keep a Parquet file as it is. Runs in the warehouse's environment, as bigquery_server.py.

Belongs here: which loads need no second encoding, and making a table of their files. Does not belong here: queries and
the catalog (bigquery_shortcuts.py). A table of DuckLake is Parquet files; local-bigquery reads each file that it loads
and writes it again, a third of what the warehouse does for a record.
"""

import os
import shutil
import uuid
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SAME = {"bigint", "boolean", "double", "varchar", "blob", "date", "timestamp with time zone"}
_WIDENED = {"tinyint", "smallint", "integer"}
"""DuckLake reads these as BIGINT."""


@dataclass(frozen=True)
class _Load:
    reference: tuple[str, str, str]
    files: list[str]


_LOAD: ContextVar[_Load | None] = ContextVar("_LOAD", default=None)


def install() -> None:
    """Put it in place; before the server starts."""
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
        if load is None or append or not _adopt(cur, load, query):
            materialise(cur, query, name, params, append, writer)

    runner.HANDLERS["load"] = run_knowing
    results.materialise = materialise_or_adopt


def _adoptable(config: Any) -> _Load | None:
    from local_bigquery.catalog import tables

    if config.sourceFormat != "PARQUET" or config.schema_ or config.hivePartitioningOptions:
        return None
    uris: list[str] = config.sourceUris or []
    if not uris or not all(uri.startswith("file://") for uri in uris):
        return None
    return _Load(tables.reference(config.destinationTable), [uri.removeprefix("file://") for uri in uris])


def _adopt(cur: Any, load: _Load, query: str) -> bool:
    """Make the table of the files themselves; False where they do not hold what a table of BigQuery may."""
    from local_bigquery.engine import types
    from local_bigquery.engine.database import quote
    from local_bigquery.jobs.storage import literal

    relation = cur.sql(query)
    fields = list(zip(relation.columns, relation.types, strict=True))
    if not all(_is_kept(type_) for _, type_ in fields) or _has_null_elements(cur, query, fields):
        return False
    project, dataset, table = load.reference
    columns = ", ".join(f"{quote(name)} {types.normalised(type_)}" for name, type_ in fields)
    links = [_link(file, load.reference) for file in load.files]
    cur.execute("begin")
    try:
        cur.execute(f"create or replace table {quote(*load.reference)} ({columns})")
        for link in links:
            call = ", ".join(map(literal, (project, table, str(link))))
            cur.execute(f"call ducklake_add_data_files({call}, schema => {literal(dataset)})")
        cur.execute("commit")
    except BaseException:
        cur.execute("rollback")
        for link in links:
            link.unlink(missing_ok=True)
        raise
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


def _link(file: str, reference: tuple[str, str, str]) -> Path:
    """The file once more, below the warehouse's own folder: whoever wrote it may delete it."""
    from local_bigquery.settings import settings

    folder = Path(settings.data_dir, *reference)
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / f"loaded-{uuid.uuid4().hex}.parquet"
    try:
        os.link(file, link)
    except OSError:
        shutil.copyfile(file, link)
    return link
