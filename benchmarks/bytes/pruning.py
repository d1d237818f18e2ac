"""Which day partitions of the stored tables a resolved statement reads: those that its conditions leave.

Belongs here: carrying conditions from a filter down to a table, and what they leave of it. Does not belong here: which
columns (columns), constants (moments), how much a day holds (volumes).

A condition prunes where it compares a partition column, or date() or timestamp_trunc() of it, with what names neither
a column nor a query, and where nothing in between changes which rows it is about. Of a table that is clustered by its
partition column first, a comparison leaves hours.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from benchmarks.bytes.moments import Constant, Evaluator, part_of, truncated
from benchmarks.bytes.tree import Node, conjuncts, entries, function, kind, parts, queries_in
from spark_jobs.utc_days import beginning_of

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_TURNED = {
    "greater": "less",
    "greater_or_equal": "less_or_equal",
    "less": "greater",
    "less_or_equal": "greater_or_equal",
    "equal": "equal",
}
_INNER, _LEFT, _RIGHT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Window:
    """Partitions from `since` to `until` days ago, on the average of a day; None where nothing bounds them.

    A whole partition is read where a condition needs a part of it.
    """

    since: float | None = None
    until: float | None = None

    def both(self, other: "Window") -> "Window":
        """What fulfils both."""
        return Window(_pick(min, self.since, other.since), _pick(max, self.until, other.until))

    def either(self, other: "Window") -> "Window":
        """What covers both."""
        since = None if self.since is None or other.since is None else max(self.since, other.since)
        return Window(since, None if self.until is None or other.until is None else min(self.until, other.until))

    def later(self, days: float) -> "Window":
        """The same window as of so many days later."""
        return Window(
            None if self.since is None else self.since + days, None if self.until is None else self.until + days
        )

    def days(self, kept: float) -> float:
        """How many days of data there are in it, of so many that are kept."""
        oldest = kept if self.since is None else min(max(self.since, 0), kept)
        newest = 0 if self.until is None else min(max(self.until, 0), kept)
        return max(oldest - newest, 0)


def _pick(choose: Callable[[list[float]], float], *bounds: float | None) -> float | None:
    known = [bound for bound in bounds if bound is not None]
    return choose(known) if known else None


EVERYTHING = Window()
NOTHING = Window(0, 0)
type Windows = Mapping[int, Window]
"""By the id of a column."""


class _Walk:
    """One statement: conditions on their way down."""

    def __init__(
        self, statement: Node, evaluator: Evaluator, partition_columns: Mapping[str, str | None], unit: timedelta
    ) -> None:
        self._entries = entries(statement)
        self._unit = unit
        self._evaluator = evaluator
        self._partition_columns = partition_columns
        self._is_empty = False
        self.windows: dict[str, list[Window]] = defaultdict(list)

    def down(self, scan: Node, known: Windows) -> None:
        """From a scan, of whose columns so much is known, to the tables below it."""
        for expression in _expressions(scan):
            for query in queries_in(expression):
                self.down(query, {})
        match kind(scan):
            case "TableScan":
                self._table(scan, known)
            case "FilterScan" if any(map(_is_false, conjuncts(scan.filter_expr))):
                self._is_empty, before = True, self._is_empty
                self.down(scan.input_scan, {})
                self._is_empty = before
            case "FilterScan":
                self.down(scan.input_scan, _joined(known, self.conditions(scan.filter_expr)))
            case "ProjectScan":
                self.down(scan.input_scan, _joined(known, self._through(scan.expr_list, known)))
            case "AggregateScan":
                self.down(scan.input_scan, self._through(scan.group_by_list, known))
            case "AnalyticScan":
                self.down(scan.input_scan, _of(known, _partition_keys(scan)))
            case "JoinScan":
                self._join(scan, known)
            case "ArrayScan":
                if scan.input_scan:
                    self.down(scan.input_scan, known)
            case "SetOperationScan":
                for item in scan.input_item_list:
                    self.down(item.scan, _renamed(known, scan.column_list, item.output_column_list))
            case "WithRefScan":
                query = self._entries[scan.with_query_name]
                self.down(query, _renamed(known, scan.column_list, query.column_list))
            case "WithScan":
                self.down(scan.query, known)
            case "OrderByScan":
                self.down(scan.input_scan, known)
            case _:
                for part in parts(scan):
                    if kind(part).endswith("Scan"):
                        self.down(part, {})

    def _table(self, scan: Node, known: Windows) -> None:
        if self._is_empty:
            self.windows[scan.table.name].append(NOTHING)
            return
        partition_by = self._partition_columns.get(scan.table.name)
        ids = [column.column_id for column in scan.column_list or () if column.name == partition_by]
        self.windows[scan.table.name].append(known.get(ids[0], EVERYTHING) if ids else EVERYTHING)

    def _join(self, scan: Node, known: Windows) -> None:
        joined = self.conditions(scan.join_expr)
        both = _joined(known, joined)
        left, right = {_INNER: (both, both), _LEFT: (known, joined), _RIGHT: (joined, known)}.get(
            int(scan.join_type or 0), ({}, {})
        )
        self.down(scan.left_scan, left)
        self.down(scan.right_scan, right)

    def _through(self, computed: list[Node] | None, known: Windows) -> Windows:
        """What is known of the columns that others are computed from, by what is known of those."""
        found: dict[int, Window] = {}
        for each in computed or ():
            window = known.get(each.column.column_id)
            source = _partition_key(each.expr)
            if window is not None and source is not None:
                found[source[0]] = window
        return found

    def conditions(self, expression: Node | None) -> Windows:
        """What a condition says of columns that it compares with constants."""
        found: dict[int, Window] = {}
        for each in conjuncts(expression):
            for column_id, window in self._compared(each):
                found[column_id] = found.get(column_id, EVERYTHING).both(window)
        return found

    def _compared(self, condition: Node) -> Iterator[tuple[int, Window]]:
        name = function(condition)
        arguments = list(condition.argument_list) if name else []
        if name == "between":
            yield from self._bound("greater_or_equal", arguments[0], arguments[1])
            yield from self._bound("less_or_equal", arguments[0], arguments[2])
        elif name in _TURNED:
            yield from self._bound(name, *arguments)
            yield from self._bound(_TURNED[name], *reversed(arguments))

    def _bound(self, comparison: str, left: Node, right: Node) -> Iterator[tuple[int, Window]]:
        key = _partition_key(left)
        value = self._evaluator.value(right) if key else None
        if key is not None and value is not None:
            yield key[0], self._window(comparison, value, is_day=key[1])

    def _window(self, comparison: str, value: Constant, *, is_day: bool) -> Window:
        """Of the days that a comparison leaves. `is_day`: it is the column's day that is compared."""
        if isinstance(value, datetime):
            moment = truncated(value, _DAY) if is_day else value
        elif isinstance(value, date):
            is_day, moment = True, beginning_of(value)
        else:
            return EVERYTHING
        # A beginning of a day is one wherever in its day the statement is sent; on the average half a day ago.
        unit = _DAY if moment == truncated(moment, _DAY) else self._unit
        whole = moment == truncated(moment, unit)
        half = unit / _DAY / 2
        # On the average of a day today began half a day ago; of a moment its whole day is read.
        now = truncated(self._evaluator.now, unit) if whole else self._evaluator.now
        ago = (now - moment) / _DAY
        since, until = ago + half, ago + half if whole else ago - half
        match comparison:
            case "greater" | "greater_or_equal":
                return Window(since, None)
            case "less":
                return Window(None, until)
            case "less_or_equal":
                return Window(None, until - unit / _DAY if whole else until)
        return Window(since, until - (1 if is_day else unit / _DAY) if whole else until)


def _is_false(condition: Node) -> bool:
    """Whether no row fulfils it: dbt asks so for the columns of a query."""
    return kind(condition) == "Literal" and condition.value.value.bool_value is False


def _partition_key(expression: Node) -> tuple[int, bool] | None:
    """The column that an expression is, or is the day or the hour of, and whether it is its day."""
    if kind(expression) == "ColumnRef":
        return expression.column.column_id, False
    if kind(expression) == "Cast" or function(expression) in ("date", "timestamp_trunc", "date_trunc"):
        inner = expression.expr if kind(expression) == "Cast" else expression.argument_list[0]
        below = _partition_key(inner)
        is_day = function(expression) == "date" or any(
            part_of(argument) == _DAY for argument in getattr(expression, "argument_list", None) or ()
        )
        return (below[0], is_day or below[1]) if below else None
    return None


def _expressions(scan: Node) -> Iterator[Node]:
    """What a scan works out itself."""
    for part in parts(scan):
        if not kind(part).endswith(("Scan", "SetOperationItem", "WithEntry")):
            yield part


def _partition_keys(scan: Node) -> set[int]:
    """The columns by which every window of a scan is divided."""
    keys = [
        {ref.column.column_id for ref in (group.partition_by.partition_by_list if group.partition_by else ())}
        for group in scan.function_group_list
    ]
    return set.intersection(*keys) if keys else set()


def _of(known: Windows, ids: set[int]) -> Windows:
    return {column_id: window for column_id, window in known.items() if column_id in ids}


def _joined(one: Windows, other: Windows) -> Windows:
    return {
        column_id: one.get(column_id, EVERYTHING).both(other.get(column_id, EVERYTHING))
        for column_id in one.keys() | other.keys()
    }


def _renamed(known: Windows, columns: list[Node], sources: list[Node]) -> Windows:
    pairs = zip(columns, sources, strict=True)
    return {source.column_id: known[column.column_id] for column, source in pairs if column.column_id in known}


def windows_read(
    statement: Node,
    evaluator: Evaluator,
    partition_columns: Mapping[str, str | None],
    hourly: Set[str] = frozenset(),
) -> dict[str, Window]:
    """Of each stored table that is read or modified, the partitions: what covers all that is read of it.

    Those of `hourly` tables are read by whole hours, all others by whole days.
    """
    found = _windows_by(_DAY, statement, evaluator, partition_columns)
    if hourly & found.keys():
        by_hours = _windows_by(_HOUR, statement, evaluator, partition_columns)
        found |= {table: window for table, window in by_hours.items() if table in hourly}
    return found


def _windows_by(
    unit: timedelta, statement: Node, evaluator: Evaluator, partition_columns: Mapping[str, str | None]
) -> dict[str, Window]:
    walk = _Walk(statement, evaluator, partition_columns, unit)
    said: Windows = {}
    if kind(statement) == "MergeStmt":
        said = walk.conditions(statement.merge_expr)
    elif kind(statement) in ("UpdateStmt", "DeleteStmt"):
        said = walk.conditions(statement.where_expr)
    # What an INSERT fills is not read.
    filled = statement.table_scan if kind(statement) == "InsertStmt" else None
    for part in parts(statement):
        if part is filled:
            continue
        if kind(part).endswith("Scan"):
            walk.down(part, said)
        else:
            for query in queries_in(part):
                walk.down(query, {})
    found: dict[str, Window] = {}
    for table, windows in walk.windows.items():
        found[table] = windows[0]
        for window in windows[1:]:
            found[table] = found[table].either(window)
    return found
