"""What a test asks the meter about one statement: the reads, over our own tables, at a fixed now."""

from collections.abc import Set
from datetime import UTC, datetime
from functools import cache
from typing import Any

from benchmarks.bytes.analyzer import Warehouse, sent_type
from benchmarks.bytes.billing import Read, reads_of
from benchmarks.bytes.moments import Evaluator
from spark_jobs.tables.catalog import TABLES

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
PARTITION_COLUMNS = {table.name: table.partition_by for table in TABLES}


@cache
def warehouse() -> Warehouse:
    return Warehouse()


def reads(sql: str, *parameters: dict[str, Any], hourly: Set[str] = frozenset()) -> dict[str, Read]:
    """By table. Rows of `hourly` tables lie in the order of their time."""
    types = {sent["name"]: sent_type(sent["parameterType"]) for sent in parameters}
    evaluator = Evaluator(NOON, {sent["name"]: sent for sent in parameters})
    return {
        read.table: read for read in reads_of(warehouse().resolve(sql, types), evaluator, PARTITION_COLUMNS, hourly)
    }


def columns(sql: str) -> dict[str, set[str]]:
    return {table: set(read.columns) for table, read in reads(sql).items()}
