"""Settings: defaults that work together, and one line that names what is wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from spark_jobs.contract.payment_event import WATERMARK_MICROSECONDS, UnreadableLabels
from spark_jobs.deduplication.buckets import labels_of
from spark_jobs.driver.generations import locations_of
from spark_jobs.driver.spark_session import archive_path, jar_paths, spark_conf
from spark_jobs.publishing.batch import Batch
from spark_jobs.settings import (
    DEFAULT_WATERMARK_MINUTES,
    LOCAL_PROJECT,
    UNREADABLE_LABELS,
    SettingError,
    payments_home,
    read_job_settings,
)

PRODUCTION = {"BIGQUERY_PROJECT": "acme-prod", "STAGING_LOCATION": "gs://acme/staging"}


def test_the_defaults_are_the_local_stack(tmp_path: Path) -> None:
    settings = read_job_settings({"PAYMENTS_HOME": str(tmp_path)})
    assert (settings.bootstrap_servers, settings.topic) == ("127.0.0.1:9092", "payment-events")
    assert (settings.project, settings.dataset) == (LOCAL_PROJECT, "payment_data")
    assert settings.emulator_host == "http://127.0.0.1:9050"
    assert settings.checkpoint_location == (tmp_path / "checkpoints").as_uri()
    assert settings.staging_location == (tmp_path / "staging").as_uri()


def test_layers_are_in_the_one_dataset_unless_they_are_given_their_own() -> None:
    assert read_job_settings({"BIGQUERY_RAW_DATASET": "", "BIGQUERY_MARTS_DATASET": ""}) == read_job_settings({})
    settings = read_job_settings({"BIGQUERY_RAW_DATASET": "raw", "BIGQUERY_MARTS_DATASET": "marts"})
    assert settings.datasets == ("raw", "payment_data", "marts")
    assert read_job_settings(settings.environment()) == settings
    # A process that is told of one dataset does not take the others from its parent's environment.
    assert {"BIGQUERY_RAW_DATASET", "BIGQUERY_MARTS_DATASET"} <= settings.in_one_dataset("copy").environment().keys()


def test_batches_go_to_the_warehouse_unless_delta_is_named(tmp_path: Path) -> None:
    settings = read_job_settings({"PAYMENTS_HOME": str(tmp_path)})
    assert (settings.sinks, settings.has_warehouse, settings.has_delta) == (("bigquery",), True, False)
    assert settings.delta_location == (tmp_path / "delta").as_uri()
    both = read_job_settings({"SINKS": "delta, bigquery"})
    assert (both.sinks, both.has_warehouse, both.has_delta) == (("bigquery", "delta"), True, True)
    assert read_job_settings(both.environment()) == both
    # Without a warehouse nothing is loaded from the staging folder: it may be on this machine.
    alone = read_job_settings({"SINKS": "delta", "BIGQUERY_PROJECT": "acme-prod"})
    assert (alone.has_warehouse, alone.has_delta) == (False, True)


def test_the_mapping_of_the_events_is_a_file_that_is_there(tmp_path: Path) -> None:
    assert read_job_settings({"PAYMENTS_HOME": str(tmp_path)}).event_mapping == ""
    mapping = tmp_path / "payment_event.toml"
    mapping.write_text("mapping = 1")
    settings = read_job_settings({"PAYMENTS_HOME": str(tmp_path), "PAYMENTS_EVENT_MAPPING": str(mapping)})
    assert settings.event_mapping == str(mapping)
    assert read_job_settings(settings.environment()).event_mapping == str(mapping)


def test_days_are_kept_for_ever_or_as_long_as_they_are_read() -> None:
    kept = {"PAYMENTS_KEEP_DELIVERIES_DAYS": "90", "PAYMENTS_KEEP_RAW_DAYS": "30", "PAYMENTS_KEEP_PAYMENTS_DAYS": "400"}
    settings = read_job_settings(kept)
    assert (settings.keep_deliveries_days, settings.keep_raw_days, settings.keep_payments_days) == (90, 30, 400)
    assert read_job_settings(settings.environment()) == settings
    least = {
        "PAYMENTS_KEEP_DELIVERIES_DAYS": 7,
        "PAYMENTS_KEEP_RAW_DAYS": 7,
        "PAYMENTS_KEEP_PAYMENTS_DAYS": 32,
        "PAYMENTS_KEEP_INCIDENTS_DAYS": 8,
    }
    for name, days in least.items():
        read_job_settings({name: str(days)})
        with pytest.raises(SettingError, match=rf"^{name} must be 0, .* or at least {days}, not {days - 1}: .*\.$"):
            read_job_settings({name: str(days - 1)})


def test_what_else_is_set_says_how_long_days_are_read() -> None:
    longer = {"PAYMENTS_LOOKBACK_DAYS": "60", "PAYMENTS_SEAL_AFTER_HOURS": "49", "PAYMENTS_WATERMARK_MINUTES": "1441"}
    with pytest.raises(SettingError, match=r"at least 67, not 66: a day is sealed within 7 days, the look-back"):
        read_job_settings({**longer, "PAYMENTS_KEEP_PAYMENTS_DAYS": "66"})
    with pytest.raises(SettingError, match=r"at least 67, not 66"):
        read_job_settings({**longer, "PAYMENTS_KEEP_DELIVERIES_DAYS": "66"})


def test_raw_values_are_kept_no_longer_than_their_deliveries() -> None:
    with pytest.raises(SettingError, match=r"PAYMENTS_KEEP_RAW_DAYS is 60, and the deliveries"):
        read_job_settings({"PAYMENTS_KEEP_DELIVERIES_DAYS": "30", "PAYMENTS_KEEP_RAW_DAYS": "60"})
    with pytest.raises(SettingError, match="a whole number of days, or 0"):
        read_job_settings({"PAYMENTS_KEEP_RAW_DAYS": "-1"})


def test_the_watermark_trails_by_what_is_set() -> None:
    assert read_job_settings({}).watermark_microseconds == WATERMARK_MICROSECONDS
    assert Batch.__dataclass_fields__["watermark_minutes"].default == DEFAULT_WATERMARK_MINUTES
    half = read_job_settings({"PAYMENTS_WATERMARK_MINUTES": "30"})
    assert half.watermark_microseconds == 30 * 60_000_000
    assert read_job_settings(half.environment()) == half


def test_an_unreadable_label_holds_nothing_back_unless_that_is_set() -> None:
    assert tuple(UnreadableLabels) == UNREADABLE_LABELS
    assert read_job_settings({}).unreadable_labels == UnreadableLabels.NULL
    held = read_job_settings({"PAYMENTS_UNREADABLE_LABELS": "hold"})
    assert held.unreadable_labels == UnreadableLabels.HOLD
    assert read_job_settings(held.environment()) == held


def test_a_project_of_its_own_is_bigquery_itself() -> None:
    settings = read_job_settings(PRODUCTION)
    assert (settings.emulator_host, settings.staging_location) == (None, "gs://acme/staging")


WRONG = [
    ("SINKS", "kafka"),
    ("PAYMENTS_EVENT_MAPPING", "no/such/payment_event.toml"),
    ("SINKS", "delta,"),
    ("PAYMENTS_DELTA_LOCATION", "s3://bucket/delta"),
    ("KAFKA_BOOTSTRAP_SERVERS", ""),
    ("KAFKA_BOOTSTRAP_SERVERS", "localhost"),
    ("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092,"),
    ("KAFKA_BOOTSTRAP_SERVERS", "http://localhost:9092"),
    ("KAFKA_BOOTSTRAP_SERVERS", "a b:9092"),
    ("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092\nx:1"),
    ("KAFKA_TOPIC_PAYMENTS", "a topic"),
    ("KAFKA_TOPIC_PAYMENTS", "x" * 250),
    ("KAFKA_TOPIC_PAYMENTS", 't","assign":"x'),
    ("BIGQUERY_PROJECT", "Payments"),
    ("BIGQUERY_PROJECT", "p`; drop table x; --"),
    ("BIGQUERY_PROJECT", "payments-local\n"),
    ("BIGQUERY_DATASET", "payment-data"),
    ("BIGQUERY_DATASET", "1st"),
    ("BIGQUERY_RAW_DATASET", "raw-data"),
    ("BIGQUERY_MARTS_DATASET", "a.b"),
    ("BIGQUERY_LOCATION", "US EU"),
    ("BIGQUERY_EMULATOR_HOST", "127.0.0.1:9050"),
    ("BIGQUERY_EMULATOR_HOST", "http://"),
    ("BIGQUERY_EMULATOR_HOST", "http://[::1"),
    ("BIGQUERY_EMULATOR_HOST", "ftp://127.0.0.1"),
    ("CHECKPOINT_LOCATION", "s3://bucket/folder"),
    ("CHECKPOINT_LOCATION", "hdfs://name/folder"),
    ("CHECKPOINT_LOCATION", "gs://"),
    ("STAGING_LOCATION", "s3://bucket/folder"),
    ("STAGING_LOCATION", "gs://[bucket"),
    ("PAYMENTS_UNREADABLE_LABELS", "drop"),
    ("PAYMENTS_WATERMARK_MINUTES", "0"),
    ("PAYMENTS_WATERMARK_MINUTES", "1.5"),
    ("PAYMENTS_WATERMARK_MINUTES", "10081"),
    ("PAYMENTS_MAX_OFFSETS_PER_BATCH", "0"),
    ("PAYMENTS_MAX_OFFSETS_PER_BATCH", "-5"),
    ("PAYMENTS_MAX_OFFSETS_PER_BATCH", "many"),
    ("PAYMENTS_MAX_OFFSETS_PER_BATCH", "1e5"),
    ("PAYMENTS_MAX_OFFSETS_PER_BATCH", "9" * 5_000),
    ("PAYMENTS_STATE_BUCKETS", "0"),
    ("PAYMENTS_STATE_BUCKETS", "1.5"),
    ("PAYMENTS_STATE_BUCKETS", "\u00b2"),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=[f"{name}={value[:20]!r}" for name, value in WRONG])
def test_a_wrong_value_is_one_line_that_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingError) as refusal:
        read_job_settings({name: value})
    assert name in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "env",
    [PRODUCTION | {"BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:9050"}, {"BIGQUERY_PROJECT": "acme-prod"}],
    ids=["an emulator with a real project", "a real project with staging on this machine"],
)
def test_a_mixed_target_is_refused(env: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=r"BIGQUERY_EMULATOR_HOST|STAGING_LOCATION"):
        read_job_settings(env)


def test_folders_are_given_as_paths_or_uris(tmp_path: Path) -> None:
    settings = read_job_settings(
        {"CHECKPOINT_LOCATION": str(tmp_path / "a b"), "STAGING_LOCATION": f"{(tmp_path / 's').as_uri()}/"}
    )
    assert settings.checkpoint_location == (tmp_path / "a b").as_uri()
    assert settings.staging_location == (tmp_path / "s").as_uri()


def test_servers_are_a_list_with_or_without_spaces() -> None:
    assert read_job_settings({"KAFKA_BOOTSTRAP_SERVERS": "a:1, b.c:2"}).bootstrap_servers == "a:1,b.c:2"


def test_home_is_a_folder_of_the_current_one_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert payments_home({}) == payments_home({"PAYMENTS_HOME": ""}) == tmp_path / ".payments"
    assert payments_home({"PAYMENTS_HOME": "x/../y"}) == tmp_path / "y"


def test_generations_and_buckets_have_folders_of_their_own() -> None:
    settings = read_job_settings(PRODUCTION | {"CHECKPOINT_LOCATION": "gs://acme/checkpoints/"})
    locations = locations_of(settings, "g1")
    assert (locations.checkpoint, locations.staging) == (
        "gs://acme/checkpoints/payments/g1",
        "gs://acme/staging/payments/g1",
    )
    folders = {locations.spark, *(locations.segments(b) for b in labels_of(4)), *map(locations.seed, labels_of(4))}
    assert len(folders) == 9
    assert all(folder.startswith(locations.checkpoint + "/") for folder in folders)


def test_what_is_kept_lies_beside_the_generations_and_is_the_same_for_all() -> None:
    settings = read_job_settings(PRODUCTION | {"CHECKPOINT_LOCATION": "gs://acme/checkpoints/"})
    first, second = locations_of(settings, "g1"), locations_of(settings, "g2")
    kept = f"gs://acme/checkpoints/.kept/payments/{settings.project}.{settings.dataset}"
    assert first.kept_days == second.kept_days == f"{kept}/days.json"
    assert first.day_segments(3) == second.day_segments(3) == f"{kept}/3"


def test_what_is_kept_of_one_store_is_none_of_anothers() -> None:
    settings = read_job_settings(PRODUCTION)
    others = [
        settings,
        replace(settings, dataset="other"),
        replace(settings, sinks=("delta",)),
        replace(settings, sinks=("delta",), delta_location="file:///other"),
    ]
    assert len({locations_of(each, "g1").kept_days for each in others}) == len(others)


def test_sparks_configuration_is_text(tmp_path: Path) -> None:
    conf = spark_conf(read_job_settings({}), tmp_path)
    assert all(isinstance(value, str) for value in conf.values())


def test_classes_are_mapped_where_they_were_archived(tmp_path: Path) -> None:
    def options() -> str:
        return spark_conf(read_job_settings({}), tmp_path)["spark.driver.extraJavaOptions"]

    assert "SharedArchiveFile" not in options()
    archive_path(tmp_path).parent.mkdir(parents=True)
    archive_path(tmp_path).touch()
    assert f'"-XX:SharedArchiveFile={archive_path(tmp_path)}"' in options()


def test_jars_are_found_in_order_below_the_home_folder(tmp_path: Path) -> None:
    folder = tmp_path / "jars" / "spark"
    folder.mkdir(parents=True)
    for name in ("b.jar", "a.jar", "notes.txt"):
        (folder / name).touch()
    assert jar_paths(tmp_path) == [str(folder / "a.jar"), str(folder / "b.jar")]
    assert jar_paths(tmp_path / "nowhere") == []
    assert spark_conf(read_job_settings({}), tmp_path)["spark.jars"] == ",".join(jar_paths(tmp_path))
