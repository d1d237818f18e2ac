import pytest

from benchmarks.bytes.pruning import EVERYTHING, Window
from tests.unit.benchmarks.bytes.analyzing import reads

SINCE = "timestamp '2026-11-26 12:00:00+00'"


def test_an_insert_is_billed_for_its_query_alone() -> None:
    sql = "insert into payment_transactions (transaction_id, event_time) select transaction_id, event_time"
    found = reads(f"{sql} from payment_deliveries where kafka_timestamp >= {SINCE}")
    assert set(found) == {"payment_deliveries"}
    assert not found["payment_deliveries"].is_rewritten
    assert found["payment_deliveries"].window == Window(2.5, None)


@pytest.mark.parametrize(
    "sql",
    [
        "update payment_transactions set currency = 'EUR' where batch_id = 5",
        "delete from payment_transactions where batch_id = 5",
        "merge into payment_transactions as t using payment_deliveries as s on t.batch_id = s.batch_id"
        " when matched then update set currency = s.currency",
    ],
)
def test_what_changes_rows_is_billed_for_all_columns_of_the_partitions_that_it_scans(sql: str) -> None:
    found = reads(sql)["payment_transactions"]
    assert found.is_rewritten
    assert found.window == EVERYTHING
    assert "batch_id" in found.columns


def test_a_merge_that_compares_the_partition_column_with_a_constant_rewrites_those_days_alone() -> None:
    found = reads(
        "merge into payment_transactions as t using payment_deliveries as s"
        f" on t.transaction_id = s.transaction_id and t.event_time >= {SINCE}"
        " when matched then update set currency = s.currency"
    )["payment_transactions"]
    assert found.is_rewritten
    assert found.window == Window(2.5, None)


def test_a_merge_that_only_inserts_rewrites_nothing() -> None:
    found = reads(
        "merge into payment_transactions as t using payment_deliveries as s on t.transaction_id = s.transaction_id"
        " when not matched then insert (transaction_id) values (s.transaction_id)"
    )
    assert not found["payment_transactions"].is_rewritten
    assert found["payment_transactions"].columns == {"transaction_id"}


def test_a_table_that_is_made_is_billed_for_its_query() -> None:
    found = reads(f"create table made as select currency from payment_transactions where event_time >= {SINCE}")
    assert set(found) == {"payment_transactions"}


def test_a_table_that_is_dropped_is_billed_for_nothing() -> None:
    assert not reads("drop table if exists payment_transactions")


def test_a_table_that_an_insert_fills_and_looks_into_is_read_where_it_looks() -> None:
    found = reads(
        "insert into payment_transactions (transaction_id) select s.transaction_id from payment_deliveries as s"
        " where not exists (select 1 from (select transaction_id from payment_transactions"
        f" where event_time >= {SINCE}) as p where p.transaction_id = s.transaction_id)"
    )["payment_transactions"]
    assert found.window == Window(2.5, None)
    assert not found.is_rewritten
