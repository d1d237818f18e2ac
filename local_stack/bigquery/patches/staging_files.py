"""Staging tables that are files. Runs in the warehouse's environment, as the server does.

Belongs here: which loads need no second encoding, and being a table from then on, for whoever asks, until it is
deleted. Does not belong here: queries, and the rest of the catalog (catalog_lookups).

A staging table lives for one batch, is read a few times and never written to. As a table of DuckLake it would be
encoded again, and both making and dropping it would change the schema, after which every connection reads the whole
catalog anew. So it is a view of the file, outside DuckLake, under the name of the table.

DuckLake can also be told of a finished file, in a transaction that creates the table first. In 1.5.5 that transaction
keeps pointers into a schema that another connection may free meanwhile: the server crashed of it beside a dbt build
(github.com/duckdb/ducklake/issues/1248).

Without it the server's CPU time is
+51 % for a small batch, +19 % for a large one, -7 % for a dbt build
(`make bench-patches`).
"""

import os
import shutil
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPLACES = {
    "local_bigquery.catalog.tables:physical": "900adaef8d0a",
    "local_bigquery.engine.database:objects": "93ffb02e2e98",
    "local_bigquery.sql.rules.partitions:_hidden": "55d4da1b1265",
    "local_bigquery.catalog.tables:columns": "d13ca8050084",
    "local_bigquery.catalog.tabledata:columns": "d13ca8050084",
    "local_bigquery.catalog.tables:delete": "d8008232feed",
    "local_bigquery.catalog.datasets:delete": "8c587e2ed32b",
    "local_bigquery.jobs.load:run": "06dd8a5585af",
    "local_bigquery.engine.results:materialise": "8b4196ad107a",
}
STAGED = "staging_"
"""How the names of staging tables begin: spark_jobs.warehouse.client.STAGING_PREFIX, which cannot be imported here."""

_SCHEMA = ("emulator", "_loaded")
"""Where the views are, in plain DuckDB."""

_SAME = {"bigint", "boolean", "double", "varchar", "blob", "date", "timestamp with time zone"}
_WIDENED = {"tinyint", "smallint", "integer"}
"""BigQuery has them as INT64."""

Reference = tuple[str, str, str]
"""Project, dataset, table."""


@dataclass(frozen=True)
class _Adopted:
    """`columns` as the catalog tells them, once it was asked: each statement of a batch asks again."""

    rows: int
    links: list[Path]
    columns: list[Any] = field(default_factory=list)


_ADOPTED: dict[Reference, _Adopted] = {}


def install() -> None:
    """Put it in place; before the server starts."""
    from local_bigquery.engine import database

    database.execute(f"create schema if not exists {database.quote(*_SCHEMA)}")
    _find_adopted()
    _answer_as_tables()
    _forget_what_is_deleted()
    _keep_the_files_of_loads()


def _become(cur: Any, reference: Reference, files: list[str], columns: str) -> None:
    """Let the files be the table, with these columns: what stands after `select`. One that was there is replaced."""
    from local_bigquery.jobs.storage import literal

    links = [_link(file, reference) for file in files]
    read = ", ".join(literal(str(link)) for link in links)
    cur.execute(f"create or replace view {_view(reference)} as select {columns} from read_parquet([{read}])")
    [(rows,)] = cur.sql(f"select count(*) from {_view(reference)}").fetchall()
    before = _ADOPTED.get(reference)
    _ADOPTED[reference] = _Adopted(rows, links)
    for link in before.links if before else []:
        link.unlink(missing_ok=True)


def _discard(reference: Reference) -> None:
    """Let the table be gone, if it is one of these."""
    from local_bigquery.engine import database

    if reference in _ADOPTED:
        database.execute(f"drop view if exists {_view(reference)}")
        for link in _ADOPTED.pop(reference).links:
            link.unlink(missing_ok=True)


def _find_adopted() -> None:
    import duckdb
    from local_bigquery.engine import database

    views = database.fetch(
        "select view_name from duckdb_views() where database_name = $1 and schema_name = $2", list(_SCHEMA)
    )
    for (name,) in views:
        reference = _reference(name)
        try:
            [(rows,)] = database.fetch(f"select count(*) from {_view(reference)}")
        except duckdb.Error:
            # Its file is gone: whoever staged it stages it again.
            database.execute(f"drop view {_view(reference)}")
            continue
        _ADOPTED[reference] = _Adopted(rows, sorted(_folder(reference).glob("loaded-*.parquet")))


def _view(reference: Reference) -> str:
    from local_bigquery.engine.database import quote

    name: str = quote(*_SCHEMA, ".".join(reference))
    return name


def _reference(name: str) -> Reference:
    project, dataset, table = name.split(".")
    return project, dataset, table


def _folder(reference: Reference) -> Path:
    from local_bigquery.settings import settings

    return Path(settings.data_dir, *reference)


def _link(file: str, reference: Reference) -> Path:
    """The file once more, below the warehouse's own folder: whoever wrote it may delete it."""
    folder = _folder(reference)
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / f"loaded-{uuid.uuid4().hex}.parquet"
    try:
        os.link(file, link)
    except OSError:
        shutil.copyfile(file, link)
    return link


def _answer_as_tables() -> None:
    from local_bigquery.catalog import tabledata, tables
    from local_bigquery.engine import database
    from local_bigquery.sql.rules import partitions

    physical, objects, is_hidden, columns = tables.physical, database.objects, partitions._hidden, tables.columns

    def physical_or_adopted(project_id: str, dataset_id: str, table_id: str) -> Reference:
        reference = (project_id, dataset_id, table_id)
        return (*_SCHEMA, ".".join(reference)) if reference in _ADOPTED else physical(*reference)

    def objects_and_adopted(
        project_id: str, dataset_id: str, table_id: str | None = None
    ) -> list[tuple[str, str, int]]:
        if (project_id, dataset_id) == _SCHEMA and table_id:
            adopted = _ADOPTED.get(_reference(table_id))
            return [(table_id, "TABLE", adopted.rows)] if adopted else []
        found: list[tuple[str, str, int]] = objects(project_id, dataset_id, table_id)
        if table_id is None:
            found += [(r[2], "TABLE", a.rows) for r, a in _ADOPTED.copy().items() if r[:2] == (project_id, dataset_id)]
        return sorted(found)

    def hidden(table: Any) -> bool:
        return (table.catalog, table.db) != _SCHEMA and bool(is_hidden(table))

    def columns_once(project_id: str, dataset_id: str, table_id: str) -> list[Any]:
        adopted = _ADOPTED.get((project_id, dataset_id, table_id))
        known = adopted.columns if adopted else []
        if not known:
            known[:] = columns(project_id, dataset_id, table_id)
        return known.copy()

    tables.physical, database.objects, partitions._hidden = physical_or_adopted, objects_and_adopted, hidden
    tables.columns = tabledata.columns = columns_once


def _forget_what_is_deleted() -> None:
    from local_bigquery.catalog import datasets, tables

    delete_table, delete_dataset = tables.delete, datasets.delete

    def delete(project_id: str, dataset_id: str, table_id: str) -> None:
        if (project_id, dataset_id, table_id) in _ADOPTED:
            _discard((project_id, dataset_id, table_id))
            tables.forget(project_id, dataset_id, table_id)
        else:
            delete_table(project_id, dataset_id, table_id)

    def delete_with_adopted(project_id: str, dataset_id: str, delete_contents: bool) -> None:
        delete_dataset(project_id, dataset_id, delete_contents)
        for reference in [r for r in _ADOPTED.copy() if r[:2] == (project_id, dataset_id)]:
            _discard(reference)

    tables.delete, datasets.delete = delete, delete_with_adopted


@dataclass(frozen=True)
class _Load:
    reference: Reference
    files: list[str]


_LOAD: ContextVar[_Load | None] = ContextVar("_LOAD", default=None)


def _keep_the_files_of_loads() -> None:
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
        _discard(load.reference)
        return False
    widened = [f"{quote(name)}::bigint as {quote(name)}" for name, type_ in fields if type_.id in _WIDENED]
    _become(cur, load.reference, load.files, f"* replace ({', '.join(widened)})" if widened else "*")
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
