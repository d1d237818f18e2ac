"""A resolved statement as a tree of the analyzer's nodes: parts, columns that an expression names, queries inside it.

Belongs here: walking, without knowing what is asked. Does not belong here: what is read of a table (columns, pruning).
"""

from collections.abc import Iterator
from typing import Any

type Node = Any
"""A node of the analyzer's: its classes carry no types."""


def kind(node: Node) -> str:
    """The node's class, without what all of them begin with."""
    return type(node).__name__.removeprefix("Resolved")


def parts(node: Node) -> Iterator[Node]:
    """The nodes right below a node, in order."""
    for name in node.__dataclass_fields__:
        value = getattr(node, name)
        for part in value if isinstance(value, list) else (value,):
            if type(part).__name__.startswith("Resolved") and hasattr(part, "__dataclass_fields__"):
                yield part


def named(expression: Node | None) -> set[int]:
    """Ids of the columns that an expression names, those of a query in it that it gives back or takes in too."""
    if expression is None:
        return set()
    match kind(expression):
        case "ColumnRef":
            return {expression.column.column_id}
        case "SubqueryExpr":
            taken = set[int]().union(*(named(part) for part in expression.parameter_list), named(expression.in_expr))
            return taken | {column.column_id for column in expression.subquery.column_list or ()}
    return set[int]().union(*(named(part) for part in parts(expression)))


def queries_in(expression: Node | None) -> Iterator[Node]:
    """The queries inside an expression."""
    if expression is None:
        return
    if kind(expression) == "SubqueryExpr":
        yield expression.subquery
        yield from queries_in(expression.in_expr)
        return
    for part in parts(expression):
        yield from queries_in(part)


def function(expression: Node) -> str:
    """The function that an expression calls, such as `and`; empty where it calls none."""
    called = getattr(expression, "function", None)
    return called.name.rpartition(":")[2].removeprefix("$") if called else ""


def conjuncts(expression: Node | None) -> Iterator[Node]:
    """The conditions that must all hold."""
    if expression is None:
        return
    if function(expression) == "and":
        for part in expression.argument_list:
            yield from conjuncts(part)
    else:
        yield expression


def entries(scan: Node) -> dict[str, Node]:
    """The queries of every WITH at or below a node, by name: the analyzer makes names unique."""
    found = {entry.with_query_name: entry.with_subquery for entry in getattr(scan, "with_entry_list", None) or ()}
    for part in parts(scan):
        found |= entries(part)
    return found
