from datetime import UTC, datetime

from benchmarks.bytes.meter import Metered, meter
from benchmarks.bytes.recorded import Recording, Statement, StoredTable
from benchmarks.bytes.volumes import Traffic

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
COLUMNS = {"transaction_id": "STRING", "event_time": "TIMESTAMP", "currency": "STRING", "amount": "NUMERIC"}
SIZES = {"transaction_id": 38.0, "event_time": 8.0, "currency": 5.0, "amount": 16.0}
TABLES = {
    "payment_transactions": StoredTable(COLUMNS, "event_time", 100, SIZES),
    "payment_metrics": StoredTable(
        {"currency": "STRING", "paid": "NUMERIC"}, None, 50, {"currency": 5.0, "paid": 16.0}
    ),
}
VIEWS = {"recent": "select * from `all_of_them`", "all_of_them": "select * from `payment_transactions` as t"}


def metered(*statements: Statement) -> Metered:
    units = {"payments": 100.0, "batches": 10.0, "cells": 5.0}
    return meter(Recording(NOON, units, TABLES, VIEWS, statements))


def test_a_view_is_read_as_the_tables_below_it() -> None:
    [charge] = metered(Statement("verify", "select currency from `recent`", NOON)).charges
    assert charge.name == "select payment_transactions"
    assert {(read.table, read.columns) for read in charge.reads} == {("payment_transactions", frozenset({"currency"}))}


def test_a_script_is_billed_statement_by_statement_and_its_transaction_for_nothing() -> None:
    script = """
        begin transaction;
        insert into `payment_metrics` (currency) select currency from `payment_transactions`;
        assert @@row_count = 1 as 'one';
        commit transaction;
        select currency from `payment_metrics`
        """
    found = metered(Statement("batch", script, NOON)).charges
    assert [charge.name for charge in found] == ["insert into payment_metrics", "select payment_metrics"]


def test_a_statement_of_dbt_goes_by_its_node_and_one_that_is_sent_twice_counts_twice() -> None:
    check = Statement("check", "select currency from `payment_metrics`", NOON, (), "test not_null_payment_metrics")
    merge = Statement("build", "select amount from `payment_transactions`", NOON, (), "model payment_metrics")
    found = metered(check, check, merge).charges
    assert {charge.name: charge.times for charge in found} == {
        "not_null_payment_metrics": 2,
        "payment_metrics: select": 1,
    }


def test_a_table_that_one_statement_makes_is_there_for_the_next() -> None:
    made = Statement("build", "create table `payment_metrics__dbt_tmp` as select currency from `recent`", NOON)
    used = Statement("build", "select currency from `payment_metrics__dbt_tmp`", NOON)
    found = metered(made, used)
    assert not found.unresolved
    assert [read.table for charge in found.charges for read in charge.reads] == [
        "payment_transactions",
        "payment_metrics__dbt_tmp",
    ]


def test_a_statement_that_cannot_be_resolved_is_listed_and_not_forgotten() -> None:
    found = metered(Statement("batch", "select nothing from nowhere", NOON))
    assert not found.charges
    assert list(found.unresolved) == ["select nothing from nowhere"]


def test_growth_compares_a_year_with_a_month() -> None:
    since = "timestamp_sub(current_timestamp(), interval 2 day)"
    every, recent = metered(
        Statement("batch", "select amount from `payment_transactions`", NOON),
        Statement("batch", f"select currency from `payment_transactions` where event_time > {since}", NOON),
    ).charges
    volumes = metered()
    assert round(volumes.growth(every, 10_000), 2) == round(365 / 30, 2)
    assert volumes.growth(recent, 10_000) == 1
    assert volumes.bytes_of(recent, Traffic(10_000, 365)) == (5 + 8) * 10_000 * 86_400 * 2.5


def test_a_check_reads_its_view_as_the_build_made_it_that_counts_its_rows() -> None:
    limit = "where event_time > timestamp_sub(current_timestamp(), interval 2 day)"
    made = "create or replace view `all_of_them` OPTIONS() as -- a comment\nselect * from `payment_transactions` as t"
    counted = "select currency from `all_of_them`"
    found = metered(
        Statement("check", f"{made} {limit}", NOON),
        Statement("check", counted, NOON),
        Statement("night", made, NOON),
        Statement("night", counted, NOON),
    )
    by_work = {charge.work: round(found.growth(charge, 10_000), 2) for charge in found.charges}
    assert by_work == {"check": 1, "night": round(365 / 30, 2)}
