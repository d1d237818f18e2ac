import re
from pathlib import Path

import pytest
import yaml

from orchestration.cli.costs.billed_jobs import jobs_sql
from orchestration.dashboard import statements
from orchestration.dashboard.statements import QUERIES, MonitoringQuery, documented
from spark_jobs.settings import read_job_settings
from spark_jobs.tables import catalog
from tests.unit.orchestration.dashboard.sample import rows

MODELS = Path(__file__).parents[4] / "dbt_project/models/marts/health"
DOCS = Path(__file__).parents[4] / "docs/dashboard.md"
LARGE = {table.name: table.partition_by for table in catalog.TABLES if table.partition_by}
"""Tables that grow with the payments, or by the batch, and the column of their partitions."""


def test_every_name_in_a_statement_is_a_table_or_is_built_by_dbt() -> None:
    known = {table.name for table in catalog.TABLES}
    for name, statement in statements.ALL.items():
        named = set(re.findall(r"\{(\w+)\}", statement.sql))
        assert named <= known | set(statement.needs), name
        assert set(statement.needs) <= named, name


def test_a_partitioned_table_is_never_read_without_its_partitions() -> None:
    for name, statement in statements.ALL.items():
        for table in re.findall(r"\{(\w+)\}", statement.sql):
            if table in LARGE:
                # Of a week one column of the ledger: 8 bytes a batch.
                days = 7 if name == statements.INCIDENTS else 1
                bound = rf"{LARGE[table]} >= timestamp_sub\(current_timestamp\(\), interval {days} day\)"
                assert re.search(bound, statement.sql), f"{name} reads all of {table}"


def test_no_statement_asks_for_an_account_an_address_or_what_a_record_says() -> None:
    forbidden = re.compile(r"account|_ip\b|ip_|raw_|extra_fields|transaction_id|device|select \* from \{payment")
    assert not [name for name, statement in statements.ALL.items() if forbidden.search(statement.sql)]


def test_what_a_script_and_its_statements_came_to_is_billed_once() -> None:
    of_our_jobs = jobs_sql(read_job_settings({}))
    for sql in (statements.BILLED.sql, of_our_jobs):
        assert "parent_job_id is null" in " ".join(sql.split())


def test_the_newest_record_is_never_newer_than_its_publication() -> None:
    assert "least(ledger.max_kafka_timestamp, ledger.published_at)" in statements.ALL[statements.COMPARED].sql


def test_every_statement_says_what_it_reads() -> None:
    assert all(re.search(r"byte|MB", statement.reads) for statement in statements.ALL.values())


def test_the_monitoring_queries_are_read_too() -> None:
    assert set(QUERIES) <= set(statements.NOW_AND_THEN)
    assert set(rows()) <= set(statements.ALL) | {statements.LAG, statements.COSTS}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_query_is_a_model_with_a_status_that_names_its_command(query: MonitoringQuery) -> None:
    [model] = yaml.safe_load((MODELS / f"{query.model}.yml").read_text())["models"]
    columns = {column["name"] for column in model["columns"]}
    assert {"status", query.order} <= columns
    assert f"`payments query {query.name}` prints it" in " ".join(model["description"].split())


def test_every_monitoring_model_has_a_query() -> None:
    assert {query.model for query in QUERIES.values()} == {path.stem for path in MODELS.glob("monitoring_*.sql")}


def test_the_documentation_has_the_same_queries() -> None:
    [table] = re.findall(r"<!-- table: queries -->\n(.*?)<!-- /table -->", DOCS.read_text(), re.DOTALL)
    assert table == documented()
