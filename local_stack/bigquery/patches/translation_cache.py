"""What a statement is in DuckDB's SQL, worked out once. Runs in the warehouse's environment, as the server does.

Belongs here: remembering translations, when to forget them, and what needs none. Does not belong here: what the catalog
answers (catalog_lookups). The stream sends the same statements with each batch, but for the name of the staging
table, and local-bigquery takes longer to translate them than to run them.

A translation depends on the statement's text, the types of its parameters, place and columns of its staging table, who
asks, and the catalog. Whatever changes in the catalog, all are forgotten; and each is worked out anew once a minute.

Without it the server's CPU time is
+53 % for a small batch, +28 % for a large one, -8 % for a dbt build
(`make bench-patches`).
"""

import re
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from local_stack.bigquery.patches.staging_files import STAGED

REPLACES = {
    "local_bigquery.sql.script:Interpreter.sql": "2df9a61bda83",
    "local_bigquery.catalog.metadata:save": "68a0c5c20006",
    "local_bigquery.catalog.metadata:delete": "e7d67bbe88a0",
    "local_bigquery.jobs.query:_statement": "cc2516e27164",
    "local_bigquery.jobs.query:translate": "b6a97413e918",
}
_SECONDS = 60.0
_TABLE_KEYS = 3
"""Project, dataset, table."""
_MOST = 256
_STAGING = re.compile(rf"\b{STAGED}\w+")
_TEXT: ContextVar[str] = ContextVar("_TEXT", default="")
"""The statement that is being run: local-bigquery hands on nothing but what it was parsed into."""
_DEPENDS_ON_MORE = re.compile(r"@@|\?|system_time|information_schema|__tables__|external_query", re.IGNORECASE)


@dataclass(frozen=True)
class _Translation:
    """`sql` is cut where the name of the staging table stands; `referenced` has STAGED alone for it."""

    sql: tuple[str, ...]
    used: frozenset[str]
    referenced: frozenset[tuple[str, ...]]
    made_at: float


class _Memory:
    """Translations by question; the version tells that the catalog changed while one was worked out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[Any, ...], _Translation] = {}
        self.version = 0

    def forget(self) -> None:
        with self._lock:
            self.version += 1
            self._kept.clear()

    def recall(self, question: tuple[Any, ...]) -> _Translation | None:
        found = self._kept.get(question)
        return found if found and time.monotonic() - found.made_at < _SECONDS else None

    def keep(self, question: tuple[Any, ...], translation: _Translation, version: int) -> None:
        with self._lock:
            if version != self.version:
                return
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[question] = translation


def install() -> None:
    """Put it in place; before the server starts, and after what else changes how local-bigquery translates."""
    memory = _Memory()
    _know_the_text()
    _forget_when_the_catalog_changes(memory)
    _translate_once(memory)


def _know_the_text() -> None:
    from local_bigquery.sql import script

    run = script.Interpreter.sql

    def run_knowing(interpreter: Any, statement: Any) -> None:
        token = _TEXT.set(statement.text)
        try:
            run(interpreter, statement)
        finally:
            _TEXT.reset(token)

    script.Interpreter.sql = run_knowing


def _forget_when_the_catalog_changes(memory: _Memory) -> None:
    from local_bigquery.catalog import metadata
    from local_bigquery.jobs import query
    from sqlglot import exp

    save, delete, run = metadata.save, metadata.delete, query._statement
    of_rows = (exp.DML, exp.Query, exp.Transaction, exp.Commit, exp.Rollback)

    def save_and_forget(resource: Any, *keys: str) -> Any:
        saved = save(resource, *keys)
        _forget_unless_staging(memory, keys)
        return saved

    def delete_and_forget(model: Any, *keys: str) -> None:
        delete(model, *keys)
        _forget_unless_staging(memory, keys)

    def run_and_forget(cursor: Any, tree: Any, *args: Any, **options: Any) -> Any:
        try:
            return run(cursor, tree, *args, **options)
        finally:
            if not isinstance(tree, of_rows):
                memory.forget()

    metadata.save, metadata.delete, query._statement = save_and_forget, delete_and_forget, run_and_forget


def _forget_unless_staging(memory: _Memory, keys: tuple[str, ...]) -> None:
    """What is known of a staging table is asked with each statement."""
    if len(keys) < _TABLE_KEYS or not keys[_TABLE_KEYS - 1].startswith(STAGED):
        memory.forget()


def _translate_once(memory: _Memory) -> None:
    from local_bigquery.jobs import query

    translate = query.translate

    def translate_once(tree: Any, context: Any) -> tuple[str, dict[str, Any]]:
        version, text = memory.version, _TEXT.get()
        names = set(_STAGING.findall(text))
        staging = next(iter(names), None)
        question = _question(tree, context, text, staging) if len(names) <= 1 else None
        known = memory.recall(question) if question else None
        if known:
            context.used.clear()
            context.used.update(known.used)
            context.referenced.update(_renamed(known.referenced, STAGED, staging))
            return (staging or "").join(known.sql), {name: context.values[name] for name in known.used}
        before = set(context.referenced)
        sql, bound = translate(tree, context)
        if question:
            referenced = _renamed(frozenset(context.referenced - before), staging, STAGED)
            parts = tuple(sql.split(staging)) if staging else (sql,)
            memory.keep(question, _Translation(parts, frozenset(bound), referenced, time.monotonic()), version)
        return sql, bound

    query.translate = translate_once


def _question(tree: Any, context: Any, text: str, staging: str | None) -> tuple[Any, ...] | None:
    """All that a translation depends on but the catalog; None where it depends on more than can be told."""
    from local_bigquery.catalog import row_access
    from sqlglot import exp

    is_known = isinstance(tree, (exp.DML, exp.Query)) and not _DEPENDS_ON_MORE.search(text)
    has_own = context.variables or context.functions or context.temporary or context.settings
    if not text or not is_known or has_own:
        return None
    where = (context.project_id, context.dataset_id, row_access.members())
    parameters = sorted(context.parameters.items())
    if staging is None:
        return (text, *where, *parameters)
    named = re.search(rf"`([\w-]+)\.(\w+)\.{staging}`", text)
    if named is None:
        return None
    return (text.replace(staging, STAGED), *where, *_known_of(named[1], named[2], staging), *parameters)


def _known_of(project_id: str, dataset_id: str, staging: str) -> list[str]:
    """Where the staging table is, and its columns: one that was loaded as a file is elsewhere than one that was not."""
    from local_bigquery.catalog import tables

    reference = (project_id, dataset_id, staging)
    place = [part.replace(staging, STAGED) for part in tables.physical(*reference)]
    return place + [column.model_dump_json() for column in tables.columns(*reference)]


def _renamed(references: frozenset[tuple[str, ...]], name: str | None, other: str | None) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(other if part == name and other else part for part in r) for r in references)
