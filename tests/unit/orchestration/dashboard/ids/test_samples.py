"""What is read for the page of ids."""

import re

from orchestration.dashboard.ids.samples import STATEMENTS
from orchestration.dashboard.statements import ALL
from spark_jobs.tables import catalog


def test_no_statement_is_one_of_the_page_that_everybody_sees() -> None:
    assert not {statement.sql for statement in STATEMENTS.values()} & {statement.sql for statement in ALL.values()}
    assert not STATEMENTS.keys() & ALL.keys() - {"conflicts"}


def test_the_statements_name_tables_of_ours_and_what_dbt_builds() -> None:
    known = {table.name for table in catalog.TABLES}
    for statement in STATEMENTS.values():
        named = set(re.findall(r"\{(\w+)\}", statement.sql))
        assert named - known == set(statement.needs)
        assert re.search(r"limit \d\d\s*$", statement.sql)
        assert "bytes" in statement.reads


def test_deliveries_are_read_by_their_partitions_of_a_day() -> None:
    bound = f"{catalog.DELIVERIES.partition_by} >= timestamp_sub(current_timestamp(), interval 1 day)"
    assert all(bound in s.sql for s in STATEMENTS.values() if "{payment_deliveries}" in s.sql)
