"""The meter: what every recorded statement would be billed, at any rate and after any number of days.

Belongs here: resolving a recording's statements, their names, their bytes. Does not belong here: making a recording
(recording), the page (page).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.bytes.analyzer import Warehouse, sent_type, simple, statements_of, type_named
from benchmarks.bytes.billing import Read, reads_of
from benchmarks.bytes.moments import Evaluator
from benchmarks.bytes.recorded import STAGED, TABLE_OPTIONS, Recording, Statement
from benchmarks.bytes.tree import Node, kind
from benchmarks.bytes.volumes import Traffic, Volumes
from spark_jobs.tables import catalog

SHORT_DAYS, LONG_DAYS = 30, 365
_CONTROL = re.compile(r"\s*(begin|commit|rollback|call|assert|declare|set)\b", re.IGNORECASE)
_NO_QUERY = re.compile(
    r"\s*(drop|create\s+(or\s+replace\s+)?view|create\s+(snapshot\s+)?table\s+\S+\s+clone|alter|truncate)\b",
    re.IGNORECASE,
)
_CHECKED_VIEW = re.compile(
    r"\s*create\s+or\s+replace\s+view\s+`(\w+)`\s+options\(\)\s+as\s+(.+)", re.IGNORECASE | re.DOTALL
)
"""What dbt makes of a test before it counts the view's rows: in each build with the limits of that build."""
_STATEMENT_KINDS = {
    "QueryStmt": "select",
    "InsertStmt": "insert into",
    "UpdateStmt": "update",
    "DeleteStmt": "delete from",
    "MergeStmt": "merge into",
    "CreateTableAsSelectStmt": "create",
}
_NAMED_TABLES = 2


@dataclass(frozen=True, slots=True)
class Charge:
    """A statement of a kind of work, how often one run of the work sends it, and what it reads."""

    work: str
    name: str
    reads: tuple[Read, ...]
    times: int = 1


@dataclass(frozen=True, slots=True)
class Metered:
    """All charges of a recording, and statements that could not be resolved, with what the analyzer said."""

    charges: tuple[Charge, ...]
    unresolved: Mapping[str, str]
    volumes: Volumes

    def bytes_of(self, charge: Charge, traffic: Traffic) -> float:
        """Of the statement sent once."""
        return self.volumes.bytes_of(charge.reads, traffic)

    def bytes_a_day(self, charge: Charge, traffic: Traffic) -> float:
        """By the schedule."""
        return self.bytes_of(charge, traffic) * charge.times * traffic.schedule.times_a_day(charge.work)

    def growth(self, charge: Charge, payments_per_second: float) -> float:
        """How much more it is billed with a year kept than with a month."""
        longer, shorter = (self.bytes_of(charge, Traffic(payments_per_second, d)) for d in (LONG_DAYS, SHORT_DAYS))
        return longer / shorter


def meter(recording: Recording) -> Metered:
    """Resolve every statement of a recording."""
    resolver = _Resolver(recording)
    found: list[tuple[str, str, tuple[Read, ...]]] = []
    for statement in recording.statements:
        for node in resolver.resolved(statement):
            reads = reads_of(node, resolver.evaluator(statement), resolver.partition_columns, resolver.hourly)
            if reads:
                found.append((statement.work, _name(statement, node, reads), reads))
            resolver.learn(node)
    return Metered(tuple(_charges(found)), resolver.unresolved, Volumes(recording))


def _charges(found: Sequence[tuple[str, str, tuple[Read, ...]]]) -> Iterator[Charge]:
    """Statements of one name that read the same are one; others of that name are numbered."""
    numbers: Counter[tuple[str, str]] = Counter()
    for (work, name, reads), times in Counter(found).items():
        numbers[work, name] += 1
        number = numbers[work, name]
        yield Charge(work, name if number == 1 else f"{name} ({number})", reads, times)


class _Resolver:
    """The analyzer with the recording's tables, and its views by the text that they had."""

    def __init__(self, recording: Recording) -> None:
        self._views = dict(recording.views)
        self._warehouse = Warehouse()
        self.unresolved: dict[str, str] = {}
        self.partition_columns: dict[str, str | None] = {}
        self.hourly = frozenset(name for name, table in recording.tables.items() if table.is_hourly)
        for name, table in recording.tables.items():
            self._warehouse.add(name, {column: type_named(kind_) for column, kind_ in table.columns.items()})
            self.partition_columns[name] = table.partition_by
        self._warehouse.add(
            TABLE_OPTIONS, dict.fromkeys(("table_name", "option_name", "option_value"), simple("STRING"))
        )
        for name, columns in _staged().items():
            self._warehouse.add(name, {column: type_named(kind_) for column, kind_ in columns.items()})

    def evaluator(self, statement: Statement) -> Evaluator:
        """As the statement's constants were when it was sent."""
        return Evaluator(statement.at, {sent["name"]: sent for sent in statement.parameters})

    def resolved(self, statement: Statement) -> Iterator[Node]:
        """Each statement of a job that can be billed."""
        types = {sent["name"]: sent_type(sent["parameterType"]) for sent in statement.parameters}
        for sql in statements_of(statement.sql):
            if view := _CHECKED_VIEW.match(sql):
                self._views[view[1]] = view[2]
            if _CONTROL.match(sql) or _NO_QUERY.match(sql):
                continue
            try:
                yield self._warehouse.resolve(self.expanded(sql), types)
            except Exception as error:  # noqa: BLE001 - the analyzer's errors have no class of their own
                self.unresolved[" ".join(sql.split())[:200]] = " ".join(str(error).split())[:300]

    def expanded(self, sql: str) -> str:
        """The statement with a view's query in the place of its name."""
        return re.sub(r"`(\w+)`", self._instead, sql)

    def _instead(self, path: re.Match[str]) -> str:
        view = self._views.get(path[1])
        return path[0] if view is None else f"({self.expanded(view)}\n)"

    def learn(self, node: Any) -> None:
        """A table that a statement made is there for the next."""
        if kind(node) == "CreateTableAsSelectStmt":
            name = node.name_path[-1].split(".")[-1]
            self._warehouse.add(name, {c.name: c.column.type for c in node.output_column_list})
            self.partition_columns.setdefault(name, None)


def _staged() -> dict[str, dict[str, str]]:
    """Columns of the staging tables, of which none is left when the tables are read."""
    payment = {column.name: column.type for column in catalog.TRANSACTIONS.columns}
    delivery = {
        column.name: f"ARRAY<{column.type}>" if column.mode == "REPEATED" else column.type
        for column in catalog.DELIVERIES.columns
    }
    return {
        f"staging_{STAGED}": payment | delivery,
        f"staging_corrections_{STAGED}": {"number": "INT64"}
        | {column.name: column.type for column in catalog.CORRECTIONS.columns[1:3]}
        | payment,
        f"staging_erasure_{STAGED}": {column.name: column.type for column in catalog.DELIVERIES.columns[:3]},
    }


def _name(statement: Statement, node: Node, reads: Iterable[Read]) -> str:
    """dbt's node, or else what is done to which tables."""
    verb = _STATEMENT_KINDS.get(kind(node), kind(node))
    target = node.table_scan.table.name if hasattr(node, "table_scan") else None
    if statement.node:
        own = statement.node.partition(" ")[2]
        if verb == "select" and statement.node.startswith("test"):
            return own
        return f"{own}: {verb}{' ' + target if target and target != own else ''}"
    if target:
        return f"{verb} {target}"
    tables = [read.table for read in reads]
    more = f" and {len(tables) - _NAMED_TABLES} more" if len(tables) > _NAMED_TABLES else ""
    return f"{verb} {', '.join(tables[:_NAMED_TABLES])}{more}"
