"""What BigQuery bills a resolved statement for: columns and partitions of each table, and what it rewrites.

Belongs here: Google's rules by kind of statement. Does not belong here: finding columns and partitions (columns,
pruning), how many bytes those are (volumes), money (prices). docs/costs.md says where each rule stands.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from benchmarks.bytes.columns import columns_read
from benchmarks.bytes.moments import Evaluator
from benchmarks.bytes.pruning import EVERYTHING, Window, windows_read
from benchmarks.bytes.tree import Node, kind

_FREE = frozenset(
    {
        "BeginStmt", "CommitStmt", "RollbackStmt", "CallStmt", "DropStmt", "TruncateStmt", "CreateViewStmt",
        "CreateTableStmt", "AlterTableStmt", "CreateSchemaStmt", "AlterTableSetOptionsStmt",
    }
)  # fmt: skip
_UPDATES = 1
_DELETES = 2


@dataclass(frozen=True, slots=True)
class Read:
    """Columns of the days of a table; where it is rewritten, all its columns of those days once more."""

    table: str
    columns: frozenset[str]
    window: Window = EVERYTHING
    is_rewritten: bool = False


def reads_of(
    statement: Node,
    evaluator: Evaluator,
    partition_columns: Mapping[str, str | None],
    hourly: Set[str] = frozenset(),
) -> tuple[Read, ...]:
    """One of each table that is billed."""
    if kind(statement) in _FREE:
        return ()
    columns = columns_read(statement)
    target = statement.table_scan.table.name if hasattr(statement, "table_scan") else None
    is_rewritten = _rewrites(statement)
    # What is rewritten counts by whole partitions, in whatever order its rows lie.
    by_hours = hourly - {target} if is_rewritten else hourly
    windows = windows_read(statement, evaluator, partition_columns, by_hours)
    return tuple(
        Read(table, frozenset(names), windows.get(table, EVERYTHING), is_rewritten and table == target)
        for table, names in sorted(columns.items())
        # What only takes rows is not read.
        if table != target or is_rewritten or names
    )


def _rewrites(statement: Node) -> bool:
    """Whether it bills all columns of what it touches of its table: an INSERT, also a MERGE's, does not."""
    if kind(statement) == "MergeStmt":
        return any(int(when.action_type or 0) in (_UPDATES, _DELETES) for when in statement.when_clause_list)
    return kind(statement) in ("UpdateStmt", "DeleteStmt")
