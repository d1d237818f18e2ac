"""The transaction's text and values: every column is written, under its own name and of its own type."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from spark_jobs.contract.payment_event import Disposition
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.publishing.batch import retract
from spark_jobs.publishing.look_back import Searched
from spark_jobs.sinks.bigquery.already_published import (
    FoundInWarehouse,
    already_published_sql,
    already_published_values,
)
from spark_jobs.sinks.bigquery.publish_sql import parameters, publish_sql
from spark_jobs.source.offsets import offsets_from_json, offsets_to_json
from spark_jobs.streaming.staged_files import STAGED_SCHEMA
from spark_jobs.tables import catalog
from spark_jobs.tables.catalog import Table
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import type_of
from spark_jobs.warehouse.table_setup import schema_of
from tests.unit.spark_jobs.batches import BATCH, CONTROL, NOON, SETTINGS, TALLY

STAGING = "payments-local.payment_data.staging_g1_4"
SQL = publish_sql(SETTINGS, STAGING, FoundInWarehouse(correction_count=7, erasure_count=2))
ERASING = publish_sql(SETTINGS, STAGING, FoundInWarehouse(correction_count=7, erasure_count=2, corrected=1, erased=1))
RETRACTING = publish_sql(SETTINGS, STAGING, FoundInWarehouse(correction_count=7, erasure_count=2, corrected=1))
KNOWN = already_published_sql(SETTINGS, STAGING)
VALUES = parameters(SETTINGS, BATCH, CONTROL, load_seconds=0.5, known=FoundInWarehouse(correction_count=7))
PUBLISHED = (
    catalog.DELIVERIES,
    catalog.TRANSACTIONS,
    catalog.LEDGER_PARTITIONS,
    catalog.LEDGER_AMOUNTS,
    catalog.LEDGER,
)
COMPUTED = {"latency_p50_seconds", "latency_p95_seconds"}


def insertion(table: Table) -> dict[str, str]:
    """Column to expression, of the one insert into a table."""
    name = re.escape(table_id(SETTINGS, table))
    [(columns, query)] = re.findall(rf"insert into `{name}`\s*\((.*?)\)\s*((?:with|select)\s.*?);", SQL, re.DOTALL)
    outermost = re.sub(r"^with .*\)\s+(?=select)", "", query, flags=re.DOTALL).removeprefix("select ")
    expressions = re.split(r"\sfrom\s", outermost)[0]
    top_level = re.split(r",\s*(?![^()]*\))", re.sub(r"current_timestamp\(\)", "now", expressions.strip()))
    names = [column.strip() for column in columns.split(",")]
    return dict(zip(names, top_level, strict=True))


@pytest.mark.parametrize("table", PUBLISHED, ids=lambda table: table.name)
def test_every_column_is_written_from_what_has_its_name(table: Table) -> None:
    written = insertion(table)
    assert list(written) == [column.name for column in table.columns]
    for column, expression in written.items():
        if column not in COMPUTED:
            assert expression.lstrip("@").rpartition(".")[2] == column


@pytest.mark.parametrize("table", [catalog.DELIVERIES, catalog.TRANSACTIONS], ids=lambda table: table.name)
def test_what_is_read_from_the_staging_table_is_staged(table: Table) -> None:
    read = {expression for expression in insertion(table).values() if not expression.startswith("@")}
    assert read <= set(STAGED_SCHEMA.names)


@pytest.mark.parametrize("table", PUBLISHED, ids=lambda table: table.name)
def test_every_value_has_thetype_of_its_column(table: Table) -> None:
    rows = {"p": VALUES["partitions"][0], "a": VALUES["amounts"][0]}
    types = {column.name: column.type for column in table.columns}
    for column, expression in insertion(table).items():
        if expression.startswith("@"):
            assert type_of(VALUES[expression[1:]]) == types[column], column
        elif re.fullmatch(r"[pa]\.\w+", expression):
            assert type_of(rows[expression[0]][expression[2:]]) == types[column], column


def test_the_transaction_uses_every_value_and_no_other() -> None:
    assert set(re.findall(r"(?<!@)@(\w+)", SQL)) == set(VALUES)
    looked_up = already_published_values(SETTINGS, CONTROL)
    assert set(re.findall(r"@(\w+)", KNOWN)) == set(looked_up)
    assert looked_up.items() <= VALUES.items()
    for sql in (RETRACTING, ERASING):
        assert set(re.findall(r"(?<!@)@(\w+)", sql)) == VALUES.keys()


def test_all_is_one_transaction_that_ends_in_a_compare_and_set() -> None:
    statements = [statement.split() for statement in SQL.split(";") if statement.strip()]
    assert [s[0] for s in (statements[0], *statements[-4:])] == ["begin", "update", "assert", "commit", "select"]
    moved = " ".join(statements[-4])
    assert "epoch = @epoch and end_offsets = @old_offsets and correction_count = @correction_count" in moved
    assert moved.endswith("and erasure_count = @erasure_count and digest = @previous_digest")


def test_new_ids_are_looked_up_in_the_times_that_the_state_does_not_know() -> None:
    control = replace(CONTROL, watermark=NOON)
    searched = Searched(NOON - timedelta(hours=3), NOON - timedelta(hours=1))
    values = already_published_values(SETTINGS, control, searched)
    assert values["known_since"] == NOON - timedelta(days=SETTINGS.lookback_days)
    assert (values["searched_since"], values["searched_until"]) == searched
    nothing = already_published_values(SETTINGS, control)
    assert nothing["searched_since"] == nothing["searched_until"], "no payment is made within no time"


def test_where_the_state_knows_all_new_ids_no_payment_is_read() -> None:
    payments = f"from `{table_id(SETTINGS, catalog.TRANSACTIONS)}`"
    for known in (FoundInWarehouse(), FoundInWarehouse(correction_count=7, corrected=1)):
        assert payments in publish_sql(SETTINGS, STAGING, known)
        assert payments not in publish_sql(SETTINGS, STAGING, known, searches=False)
    assert payments not in already_published_sql(SETTINGS, STAGING, searches=False)


def test_what_was_known_keeps_the_batchs_sums() -> None:
    known = FoundInWarehouse(correction_count=7, retracted=((0, "EUR", 5), (0, "EUR", 7)), corrected=1, erased=1)
    assert retract(BATCH, known).erased == 1
    tally = retract(BATCH, known).tally
    assert tally.delivered == BATCH.tally.delivered
    assert (tally.count(Disposition.UNIQUE, 0), tally.count(Disposition.DUPLICATE, 0)) == (1, 2)
    assert tally.amounts["DUPLICATE", "EUR"] == (2, 12)
    assert sum(minor for _, minor in tally.amounts.values()) == sum(minor for _, minor in BATCH.tally.amounts.values())
    assert retract(BATCH, FoundInWarehouse(correction_count=7)) == BATCH


def test_the_lookup_reads_no_more_than_two_columns_of_the_days_it_needs() -> None:
    for sql in (KNOWN, SQL, RETRACTING):
        reads = re.findall(r"select transaction_id from `[^`]*payment_transactions`\s+where (.*)", sql)
        assert set(reads) == {"event_time >= @searched_since and event_time < @searched_until"}


def test_where_nothing_was_ever_corrected_or_erased_no_one_asks_for_it() -> None:
    corrections, erased = (f"from `{table_id(SETTINGS, t)}`" for t in (catalog.CORRECTIONS, catalog.ERASED_IDS))
    assert corrections in SQL
    assert SQL.count(erased) == 2, "of the deliveries, and of the payments"
    never = publish_sql(SETTINGS, STAGING, FoundInWarehouse(correction_count=0))
    assert corrections not in never
    assert erased not in never
    assert "correction_count = @correction_count and erasure_count = @erasure_count" in never, "and that holds still"


def test_the_ledger_says_what_was_delivered_by_partition() -> None:
    assert VALUES["partitions"] == [
        {"kafka_partition": 0, "start_offset": 10, "end_offset": 14, "delivered": 4, **counts(unique=3, late=1)},
        {"kafka_partition": 1, "start_offset": 20, "end_offset": 22, "delivered": 2, **counts(duplicate=2)},
        {"kafka_partition": 2, "start_offset": 0, "end_offset": 5, "delivered": 5, **counts(quarantined=5)},
    ]
    assert VALUES["delivered"] == sum(VALUES[f"{d.lower()}_count"] for d in Disposition) == 11


def counts(**given: int) -> dict[str, int]:
    return {f"{d.lower()}_count": given.get(d.lower(), 0) for d in Disposition} | {"hole_count": 0}


def test_a_batch_of_nothing_but_holes_has_an_array_of_a_known_type_and_no_money() -> None:
    batch = replace(BATCH, tally=replace(TALLY, partition_counts=Counter(), amounts={}), holes=BATCH.interval.lengths())
    values = parameters(SETTINGS, batch, CONTROL, load_seconds=0.5, known=FoundInWarehouse())
    assert [row["record_count"] for row in values["amounts"]] == [0]
    assert (values["delivered"], values["hole_count"]) == (0, 11)
    assert json.loads(values["claims"])["amounts"] == []
    assert json.loads(values["claims"])["holes"] == [[0, 4], [1, 2], [2, 5]]


def test_money_is_whole_minor_units_whatever_their_size() -> None:
    amounts = {(row["disposition"], row["currency"]): row["amount_minor"] for row in VALUES["amounts"]}
    assert amounts == {("UNIQUE", "EUR"): Decimal(2**63), ("QUARANTINED", ""): Decimal(0)}


def test_the_next_watermark_trails_the_newest_event_time_by_an_hour() -> None:
    assert VALUES["next_watermark"] == NOON + timedelta(microseconds=1) - timedelta(hours=1)
    assert VALUES["watermark"] == CONTROL.watermark


def test_offsets_move_from_what_is_published_to_the_batchs_ends() -> None:
    assert VALUES["batch_id"] == CONTROL.last_batch_id + 1
    assert VALUES["old_offsets"] == '{"0":10,"1":20}'
    assert VALUES["new_offsets"] == VALUES["end_offsets"] == '{"0":14,"1":22,"2":5}'


def test_equal_offsets_are_equal_text_whatever_their_order() -> None:
    assert offsets_to_json({10: 1, 9: 2}) == offsets_to_json({9: 2, 10: 1}) == '{"9":2,"10":1}'
    assert offsets_from_json('{"9":2,"10":1}') == {9: 2, 10: 1}
    assert offsets_to_json({}) == "{}"


@pytest.mark.parametrize("table", catalog.TABLES, ids=lambda table: table.name)
def test_a_table_becomes_a_schema_with_a_description_for_every_column(table: Table) -> None:
    schema = schema_of(table)
    assert [field.name for field in schema] == [column.name for column in table.columns]
    assert all(field.description for field in schema)
    named = {field.name for field in schema}
    assert {table.partition_by or schema[0].name, *table.cluster_by} <= named


def test_an_incident_is_its_kind_and_one_line() -> None:
    incident = Incident(IncidentKind.FENCED, "another run took over.")
    assert (str(incident), incident.kind) == ("FENCED: another run took over.", IncidentKind.FENCED)
