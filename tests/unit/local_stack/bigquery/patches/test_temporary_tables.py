import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from local_stack.bigquery.patches import temporary_tables

ASKED = temporary_tables._TEMPORARY_TABLES


@pytest.fixture
def asked_of_all_tables(monkeypatch: pytest.MonkeyPatch) -> Callable[..., bool]:
    """Whether a statement, in a session or in none, lists every table that there is."""
    query: Any = ModuleType("local_bigquery.jobs.query")
    query.execute = lambda cursor, *_, **__: cursor.sql(ASKED)
    jobs: Any = ModuleType("local_bigquery.jobs")
    jobs.query = query
    for module in (ModuleType("local_bigquery"), jobs, query):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    temporary_tables.install()
    cursor = SimpleNamespace(sql=lambda text: text)

    def is_asked(sql: str | None, session: str | None = None) -> bool:
        config = SimpleNamespace(query=sql)
        asked: str = query.execute(cursor, "p", "j", config, session=session and SimpleNamespace(id=session))
        return asked == ASKED

    return is_asked


def test_only_a_session_that_has_made_a_temporary_table_is_asked_for_its_own(
    asked_of_all_tables: Callable[..., bool],
) -> None:
    assert not asked_of_all_tables("create temp table t as select 1 as n")
    assert not asked_of_all_tables("select 1", "reads")
    assert not asked_of_all_tables(None, "reads")
    assert not asked_of_all_tables("Create or replace\n temporary table t (n int64)", "writes")
    assert asked_of_all_tables("select * from t", "writes")
    assert not asked_of_all_tables("select 1", "reads")
