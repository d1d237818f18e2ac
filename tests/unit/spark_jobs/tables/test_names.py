"""A name leads to one dataset; with one dataset, all do."""

from dataclasses import replace

import pytest

from spark_jobs.erasure.copies import named_sql
from spark_jobs.erasure.erase import erase_sql
from spark_jobs.settings import JobSettings, read_job_settings
from spark_jobs.tables.catalog import CONTROL, DELIVERIES, PERSONAL, TABLES, Layer
from spark_jobs.tables.names import dataset_of, full_name, layer_of, sql_names, staging_id, table_id

ONE = read_job_settings({})
THREE = read_job_settings(
    {"BIGQUERY_RAW_DATASET": "raw", "BIGQUERY_DATASET": "ours", "BIGQUERY_MARTS_DATASET": "marts"}
)


def test_with_one_dataset_every_name_is_in_it() -> None:
    names = [table_id(ONE, table) for table in TABLES]
    names += [staging_id(ONE, "g1_4"), full_name(ONE, "payment_metrics")]
    assert {name.rpartition(".")[0] for name in names} == {"payments-local.payment_data"}
    assert ONE.datasets == ("payment_data",)


def test_each_layer_has_its_dataset() -> None:
    assert THREE.datasets == ("raw", "ours", "marts")
    assert table_id(THREE, DELIVERIES) == full_name(THREE, DELIVERIES.name) == "payments-local.raw.payment_deliveries"
    assert table_id(THREE, CONTROL) == full_name(THREE, CONTROL.name) == "payments-local.ours.pipeline_control"
    assert full_name(THREE, "payment_metrics") == "payments-local.marts.payment_metrics"
    assert staging_id(THREE, "g1_4") == "payments-local.raw.staging_g1_4"


def test_statements_name_every_table_of_ours_and_what_they_ask_for_of_dbts() -> None:
    named = sql_names(THREE, "pipeline_health")
    assert named.keys() == {table.name for table in TABLES} | {"pipeline_health"}
    assert named["pipeline_health"] == "`payments-local.marts.pipeline_health`"
    assert named[CONTROL.name] == f"`{table_id(THREE, CONTROL)}`"


@pytest.mark.parametrize("settings", [ONE, THREE, replace(THREE, marts_dataset="")], ids=["one", "three", "two"])
def test_a_copy_is_in_one_dataset_and_another_process_reads_the_same_names(settings: JobSettings) -> None:
    assert settings.in_one_dataset("copy").datasets == ("copy",)
    told = read_job_settings(settings.environment() | {"PATH": "/bin"})
    assert [dataset_of(told, layer) for layer in Layer] == [dataset_of(settings, layer) for layer in Layer]


def test_raw_is_what_an_erasure_takes_something_from() -> None:
    sql = erase_sql(THREE, staging_id(THREE, "erasure_1"), is_portion=True)
    taken = {table.name for table in TABLES if f"update `{table_id(THREE, table)}` as r" in sql}
    taken |= {table.name for table in TABLES if f"delete from `{table_id(THREE, table)}` as r" in sql}
    taken |= {name for name in named_sql(THREE) if layer_of(name) is not Layer.MARTS}
    assert taken == {table.name for table in TABLES if table.layer is Layer.RAW}


def test_nothing_but_raw_has_a_column_of_what_a_payment_says() -> None:
    says = {*PERSONAL, "raw_key", "raw_value", "headers"} - {"currency", "amount_minor", "status"}
    having = {table.name for table in TABLES if says & {column.name for column in table.columns}}
    assert having <= {table.name for table in TABLES if table.layer is Layer.RAW}
