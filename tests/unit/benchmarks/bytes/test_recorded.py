from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bytes.recorded import Recording, Statement, StoredTable, node_of, plain, read, write


def test_a_statement_names_tables_alone_and_staging_tables_by_their_kind() -> None:
    sql = "insert into `payments-local.payment_data.batch_ledger` select * from `p.payment_data.staging_g1_4_3` as s"
    assert plain(sql) == "insert into `batch_ledger` select * from `staging_rows` as s"
    assert plain("from `p`.`payment_data`.`payment_metrics__dbt_tmp102831047801`") == "from `payment_metrics__dbt_tmp`"
    assert plain("from `p.payment_data.staging_corrections_ab12`") == "from `staging_corrections_rows`"


def test_a_statement_of_dbt_names_its_node() -> None:
    comment = '/* {"app": "dbt", "node_id": "model.payments.payment_metrics"} */ select 1'
    assert node_of(comment) == "model payment_metrics"
    assert node_of('/* {"node_id": "test.payments.not_null_a_b.4f"} */ select 1') == "test not_null_a_b"
    assert node_of("select 1") is None


def test_a_recording_comes_back_from_its_file(tmp_path: Path) -> None:
    at = datetime(2026, 11, 28, 12, tzinfo=UTC)
    sent = {"name": "a", "parameterType": {"type": "INT64"}, "parameterValue": {"value": "1"}}
    recording = Recording(
        at,
        {"payments": 10.0},
        {"payment_metrics": StoredTable({"currency": "STRING"}, "window_start", 3, {"currency": 5.0})},
        {"late_payments": "select 1"},
        (Statement("batch", "select @a", at, (sent,)), Statement("check", "select 2", at, (), "test unique")),
    )
    write(recording, tmp_path / "recording.json")
    assert read(tmp_path / "recording.json") == recording
