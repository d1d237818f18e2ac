"""Loading a settlement report is one transaction that Google's own analyzer accepts."""

import pytest

from benchmarks.bytes.analyzer import Warehouse
from orchestration.control_totals.settlements import settlement_sql
from spark_jobs.tables.catalog import SETTLEMENT_TOTALS
from spark_jobs.warehouse.client import with_values

ROW = {
    column.name: {"INT64": 1}.get(column.type, "2026-01-01")
    for column in SETTLEMENT_TOTALS.columns
    if column.name != "reported_at"
}


@pytest.mark.parametrize("rows", [1, 2])
def test_a_report_replaces_its_own_days_in_one_transaction(rows: int) -> None:
    script = settlement_sql("p.d.sender_settlement_totals")
    words = [statement.split()[0] for statement in script.split(";") if statement.strip()]
    assert words == ["begin", "delete", "insert", "commit"]
    values = with_values({"source": "p", "rows": [ROW] * rows}).query_parameters
    Warehouse().accept(script, values)
