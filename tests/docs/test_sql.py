"""SQL in the documents is BigQuery's, on our tables, in the eyes of Google's own analyzer."""

import re

import pytest

from benchmarks.bytes.analyzer import Warehouse
from handbook.links import ROOT, pages
from handbook.markdown import blocks

SQL = [
    pytest.param("\n".join(block.lines), id=f"{page.relative_to(ROOT)}:{block.line}")
    for page in pages()
    for block in blocks(page.read_text())
    if block.language == "sql"
]
_REFERENCE = re.compile(r"\{\{\s*(?:source\('\w+',\s*'(\w+)'\)|ref\('(\w+)'\))\s*\}\}")


@pytest.fixture(scope="module")
def warehouse() -> Warehouse:
    return Warehouse()


def resolved(sql: str, dataset: str = "payments-local.payment_data") -> str:
    """The statement with dbt's references as names of tables."""
    return _REFERENCE.sub(lambda found: f"`{dataset}.{found[1] or found[2]}`", sql)


@pytest.mark.parametrize("sql", SQL)
def test_a_statement_in_the_documents_resolves(warehouse: Warehouse, sql: str) -> None:
    warehouse.accept(resolved(sql).rstrip().rstrip(";"), ())


def test_a_column_that_is_not_there_would_be_seen(warehouse: Warehouse) -> None:
    with pytest.raises(Exception, match="no_such_column"):
        warehouse.accept(resolved("select no_such_column from {{ source('payment_raw', 'payment_transactions') }}"), ())


def test_there_are_statements() -> None:
    assert SQL
