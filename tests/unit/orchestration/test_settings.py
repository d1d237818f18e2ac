"""Settings of the platform: defaults, limits, and the one line for a wrong one."""

from pathlib import Path

import pytest

from orchestration.settings import child_environment, read_stack_settings
from spark_jobs.settings import SettingError
from spark_jobs.warehouse.job_labels import DBT_WORK
from spark_jobs.warehouse.job_limits import most_bytes


def test_an_empty_environment_means_the_local_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read_stack_settings({})
    assert settings.home == tmp_path / ".payments"
    assert settings.dagster_home == tmp_path / ".payments" / "dagster"
    assert settings.dagster_url == "http://127.0.0.1:3000"
    assert settings.dagster_probe == "http://127.0.0.1:3000/server_info"
    assert settings.dbt_target == "local"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DAGSTER_PORT", "0"),
        ("DAGSTER_PORT", "65536"),
        ("DAGSTER_PORT", "http"),
        ("DBT_TARGET", "staging"),
        ("DBT_TARGET", "production"),
        ("PAYMENTS_SHIFT_IDLE_SECONDS", "-1"),
        ("PAYMENTS_SHIFT_MAX_SECONDS", "1501"),
        ("PAYMENTS_BATCH_SECONDS", "0.5"),
        ("PAYMENTS_BUILD_INTERVAL_SECONDS", "soon"),
        ("PAYMENTS_BUILD_DUE_SECONDS", "0"),
        ("PAYMENTS_CHECK_ROWS_MINUTES", "1441"),
        ("PAYMENTS_PUBLICATION_DUE_SECONDS", "soon"),
        ("PAYMENTS_SILENCE_DUE_SECONDS", "-1"),
        ("PAYMENTS_DAGSTER_PROBE_URL", "payments-webserver/ping"),
        ("KAFKA_BOOTSTRAP_SERVERS", "nowhere"),
        ("BIGQUERY_EMULATOR_HOST", "127.0.0.1:9050"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(name: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_stack_settings({name: value})
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_may_come_only_every_so_often_is_not_due_sooner() -> None:
    rare = read_stack_settings({"PAYMENTS_BUILD_INTERVAL_SECONDS": "86400", "PAYMENTS_BATCH_SECONDS": "600"})
    assert (rare.build_due_seconds, rare.publication_due_seconds) == (172_800, 1_200)


def test_bigquery_itself_takes_the_production_target() -> None:
    production = {"BIGQUERY_PROJECT": "acme-payments", "STAGING_LOCATION": "gs://acme/staging"}
    assert read_stack_settings(production).dbt_target == "production"
    # Locally each build looks at rows; on BigQuery each look is billed.
    assert [read_stack_settings(env).check_rows_minutes for env in ({}, production)] == [0, 60]
    with pytest.raises(SettingError, match="DBT_TARGET"):
        read_stack_settings({**production, "DBT_TARGET": "local"})


def test_a_child_process_finds_the_same_settings_wherever_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read_stack_settings({"DAGSTER_PORT": "3100"})
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    limit = int(child_environment(settings, {})["PAYMENTS_BUILD_MAX_BYTES_BILLED"])
    assert limit >= max(most_bytes(settings.job, work) for work in DBT_WORK)
    child = read_stack_settings(child_environment(settings, {"DAGSTER_PORT": "3100"}))
    assert child == settings
