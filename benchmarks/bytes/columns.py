"""Which columns of which stored tables a resolved statement reads: those that its result or a condition depends on.

Belongs here: following columns back to their tables, so that `select *` in a WITH counts only what is used of it. Does
not belong here: which partitions (pruning), what modifying a table adds (billing).
"""

from collections import defaultdict
from collections.abc import Iterable

from benchmarks.bytes.tree import Node, entries, kind, named, parts, queries_in


class _Dependencies:
    """What every column is made of, what is asked for in any case, and the tables at the bottom."""

    def __init__(self, statement: Node) -> None:
        self.made_of: dict[int, set[int]] = defaultdict(set)
        self.asked: set[int] = set()
        self.tables: dict[str, dict[int, str]] = defaultdict(dict)
        self._entries = entries(statement)
        self._visited: set[str] = set()

    def visit(self, node: Node) -> None:
        """Everything at and below a node that is used; a WITH's query only where it is named."""
        match kind(node):
            case "TableScan":
                columns = {column.column_id: column.name for column in node.column_list or ()}
                self.tables[node.table.name] |= columns
                return
            case "WithScan":
                self.visit(node.query)
                return
            case "WithRefScan":
                self._same(node.column_list, self._entries[node.with_query_name].column_list)
                if node.with_query_name not in self._visited:
                    self._visited.add(node.with_query_name)
                    self.visit(self._entries[node.with_query_name])
                return
            case "SetOperationScan":
                for item in node.input_item_list:
                    self._same(node.column_list, item.output_column_list)
                    self.visit(item.scan)
                return
            case "ComputedColumn":
                self._made(node.column.column_id, node.expr)
                return
            case "AnalyticScan":
                self._windows(node)
            case "ArrayScan":
                made_of = set[int]().union(*(named(each) for each in node.array_expr_list))
                for column in node.element_column_list:
                    self.made_of[column.column_id] |= made_of
                self._ask([*node.array_expr_list, node.join_expr])
            case "AggregateScan":
                self._ask(computed.expr for computed in node.group_by_list or ())
            case "FilterScan":
                self._ask([node.filter_expr])
            case "JoinScan":
                self._ask([node.join_expr])
            case "OrderByScan":
                self._ask(node.order_by_item_list)
        for part in parts(node):
            if kind(part).endswith(("Scan", "Column", "SetOperationItem")) and kind(part) != "OutputColumn":
                self.visit(part)

    def _windows(self, node: Node) -> None:
        for group in node.function_group_list:
            over = named(group.partition_by) | named(group.order_by)
            for computed in group.analytic_function_list:
                self._made(computed.column.column_id, computed.expr)
                self.made_of[computed.column.column_id] |= over

    def _made(self, column_id: int, expression: Node) -> None:
        self.made_of[column_id] |= named(expression)
        self._queries(expression)

    def _ask(self, expressions: Iterable[Node | None]) -> None:
        for expression in expressions:
            self.ask(expression)

    def ask(self, expression: Node | None) -> None:
        """An expression whose value is needed."""
        self.asked |= named(expression)
        self._queries(expression)

    def _queries(self, expression: Node | None) -> None:
        for query in queries_in(expression):
            self.visit(query)

    def _same(self, columns: Iterable[Node], sources: Iterable[Node]) -> None:
        for column, source in zip(columns, sources, strict=True):
            self.made_of[column.column_id].add(source.column_id)

    def used(self) -> dict[str, set[str]]:
        """Columns by table, of every table that is read at all."""
        reached, waiting = set[int](), list(self.asked)
        while waiting:
            column_id = waiting.pop()
            if column_id not in reached:
                reached.add(column_id)
                waiting += self.made_of.get(column_id, ())
        return {
            table: {name for column_id, name in columns.items() if column_id in reached}
            for table, columns in self.tables.items()
        }


def columns_read(statement: Node) -> dict[str, set[str]]:
    """Columns by table; a table whose rows are only counted has none."""
    found = _Dependencies(statement)
    for part in parts(statement):
        match kind(part):
            case "OutputColumn":
                found.asked.add(part.column.column_id)
            case "MergeWhen" | "UpdateItem" | "InsertRow":
                # What is assigned to is no read of it.
                _ask_assigned(found, part)
            case name if name.endswith("Scan"):
                found.visit(part)
            case name if name not in ("Column", "ComputedColumn"):
                found.ask(part)
    for column in getattr(statement, "query_output_column_list", None) or ():
        found.asked.add(column.column_id)
    return found.used()


def _ask_assigned(found: _Dependencies, node: Node) -> None:
    if kind(node) == "UpdateItem":
        found.ask(node.set_value)
        return
    for part in parts(node):
        if kind(part) in ("UpdateItem", "InsertRow"):
            _ask_assigned(found, part)
        elif kind(part) != "Column":
            found.ask(part)
