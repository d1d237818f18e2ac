"""A session's configuration: the driver on loopback unless told otherwise, and a file of Spark's own that wins."""

from pathlib import Path

import pytest

from spark_jobs.driver.object_store import whole_files
from spark_jobs.driver.spark_session import FILE_MANAGER, conf_of, spark_conf
from spark_jobs.driver.spark_version import spark_version
from spark_jobs.settings import SettingError, read_job_settings


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "spark.conf"
    path.write_text(text)
    return path


def test_the_driver_is_on_loopback_unless_the_settings_say_otherwise(tmp_path: Path) -> None:
    conf = spark_conf(read_job_settings({}), tmp_path)
    assert (conf["spark.driver.host"], conf["spark.driver.bindAddress"]) == ("127.0.0.1", "127.0.0.1")
    settings = read_job_settings(
        {"PAYMENTS_SPARK_DRIVER_HOST": "processor-0.processor", "PAYMENTS_SPARK_BIND_ADDRESS": "0.0.0.0"}  # noqa: S104
    )
    assert read_job_settings(settings.environment()) == settings
    conf = spark_conf(settings, tmp_path)
    assert conf["spark.driver.host"] == "processor-0.processor"
    assert conf["spark.driver.bindAddress"] == "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize("host", ["::1", "10.0.0.7", "driver.example.com", "fd00::7"])
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert read_job_settings({"PAYMENTS_SPARK_DRIVER_HOST": host}).spark_driver_host == host


@pytest.mark.parametrize("host", ["spark://driver", "driver:7077", "a host", "driver;"])
def test_a_host_that_is_none_is_refused_in_one_line(host: str) -> None:
    with pytest.raises(SettingError, match="PAYMENTS_SPARK_DRIVER_HOST must be a host's name or address"):
        read_job_settings({"PAYMENTS_SPARK_DRIVER_HOST": host})


def test_a_file_of_sparks_own_form_wins_over_ours(tmp_path: Path) -> None:
    path = written(tmp_path, "# ours\nspark.master spark://master:7077\nspark.locality.wait = 1s\n\n")
    settings = read_job_settings({"PAYMENTS_SPARK_CONF": str(path)})
    assert read_job_settings(settings.environment()) == settings
    conf = spark_conf(settings, tmp_path)
    assert conf["spark.master"] == "spark://master:7077"
    assert conf["spark.locality.wait"] == "1s"
    assert conf["spark.sql.session.timeZone"] == "UTC"


@pytest.mark.parametrize("line", ["master local[2]", "spark.master", "spark.master="])
def test_a_line_that_sets_nothing_of_sparks_is_refused(line: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"PAYMENTS_SPARK_CONF: .* each line is spark\.NAME and a value\."):
        conf_of(written(tmp_path, f"{line}\n"))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spark.conf"
    path.write_bytes(b"spark.master \xff\n")
    with pytest.raises(SettingError, match="it is no text in UTF-8"):
        conf_of(path)
    with pytest.raises(SettingError, match="No such file"):
        conf_of(tmp_path / "none")


def test_a_checkpoint_in_cloud_storage_is_read_by_googles_connector_with_sizes_that_are_numbers(tmp_path: Path) -> None:
    gs = {"CHECKPOINT_LOCATION": "gs://acme/checkpoints"}
    conf = {name: value for name, value in spark_conf(read_job_settings(gs), tmp_path).items() if ".fs." in name}
    assert conf.pop("spark.hadoop.fs.gs.impl").endswith("GoogleHadoopFileSystem")
    assert conf.pop("spark.hadoop.fs.AbstractFileSystem.gs.impl").endswith("GoogleHadoopFS")
    assert [value for value in conf.values() if value.isdigit()]
    assert all(value.isdigit() or value in ("true", "false") for value in conf.values())
    assert not [name for name in spark_conf(read_job_settings({}), tmp_path) if ".gs." in name]


def test_googles_login_handler_is_in_a_session_whose_kafka_asks_for_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("spark", "google"):
        (tmp_path / "jars" / folder).mkdir(parents=True)
        (tmp_path / "jars" / folder / f"{folder}.jar").touch()
    assert "google.jar" not in spark_conf(read_job_settings({}), tmp_path)["spark.jars"]
    client = written(
        tmp_path,
        "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\nsasl.jaas.config=OAuthBearerLoginModule required;\n"
        "sasl.login.callback.handler.class=com.google.cloud.hosted.kafka.auth.GcpLoginCallbackHandler\n",
    )
    monkeypatch.setenv("KAFKA_CLIENT_PROPERTIES", str(client))
    jars = [Path(path).name for path in spark_conf(read_job_settings({}), tmp_path)["spark.jars"].split(",")]
    assert jars == ["spark.jar", "google.jar"]


def test_a_stand_in_for_cloud_storage_is_asked_by_the_connector_and_by_executors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = read_job_settings({"CHECKPOINT_LOCATION": "gs://acme/checkpoints"})
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://10.0.0.7:4443")
    conf = spark_conf(settings, tmp_path)
    assert conf["spark.hadoop.fs.gs.storage.root.url"] == "http://10.0.0.7:4443"
    assert conf["spark.hadoop.fs.gs.auth.type"] == "UNAUTHENTICATED"
    assert conf["spark.executorEnv.STORAGE_EMULATOR_HOST"] == "http://10.0.0.7:4443"
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    assert not [name for name in spark_conf(settings, tmp_path) if "auth" in name or "executorEnv.STORAGE" in name]


def test_the_connectors_jar_goes_with_a_checkpoint_in_cloud_storage_and_with_no_other(tmp_path: Path) -> None:
    for folder in ("spark", "gcs"):
        (tmp_path / "jars" / folder).mkdir(parents=True)
        (tmp_path / "jars" / folder / "a.jar").touch()
    remote = spark_conf(read_job_settings({"CHECKPOINT_LOCATION": "gs://acme/checkpoints"}), tmp_path)
    assert remote["spark.jars"].split(",") == [str(tmp_path / "jars" / name / "a.jar") for name in ("spark", "gcs")]
    assert "gcs" not in spark_conf(read_job_settings({}), tmp_path)["spark.jars"]


def test_our_class_handles_a_checkpoint_in_cloud_storage_where_it_was_compiled_for_this_spark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote, local = read_job_settings({"CHECKPOINT_LOCATION": "gs://acme/checkpoints"}), read_job_settings({})
    assert FILE_MANAGER not in spark_conf(remote, tmp_path), "Spark then does it in its own way"
    jar = whole_files.jar_path(tmp_path, spark_version())
    jar.parent.mkdir(parents=True)
    jar.touch()
    conf = spark_conf(remote, tmp_path)
    assert (conf[FILE_MANAGER], conf["spark.jars"]) == (whole_files.CLASS_NAME, str(jar))
    assert spark_conf(local, tmp_path)[FILE_MANAGER].endswith(".FileSystemBasedCheckpointFileManager")
    assert spark_conf(local, tmp_path)["spark.jars"] == ""
    monkeypatch.setattr("pyspark.__version__", "9.9.9")
    assert FILE_MANAGER not in spark_conf(remote, tmp_path)


def test_a_session_reads_delta_tables_in_cloud_storage_wherever_its_checkpoint_is(tmp_path: Path) -> None:
    (tmp_path / "jars" / "gcs").mkdir(parents=True)
    (tmp_path / "jars" / "gcs" / "a.jar").touch()
    settings = read_job_settings({"PAYMENTS_DELTA_LOCATION": "gs://acme/delta"})
    conf, local = spark_conf(settings, tmp_path, with_delta=True), spark_conf(read_job_settings({}), tmp_path)
    assert conf["spark.jars"] == str(tmp_path / "jars" / "gcs" / "a.jar")
    assert conf["spark.hadoop.fs.gs.impl"]
    assert local.keys() <= conf.keys(), "its checkpoint is on this disk"
    assert spark_conf(settings, tmp_path).keys() == local.keys(), "it reads no Delta tables"


def test_executors_elsewhere_are_given_the_code_and_are_waited_for_where_a_buckets_state_is(tmp_path: Path) -> None:
    path = written(tmp_path, "spark.master spark://master:7077\n")
    conf = spark_conf(read_job_settings({"PAYMENTS_SPARK_CONF": str(path)}), tmp_path)
    assert Path(conf["spark.files"]).is_file()
    assert conf["spark.executorEnv.PYTHONPATH"] == Path(conf["spark.files"]).name
    assert conf["spark.locality.wait"] != "0s"
    own = spark_conf(read_job_settings({}), tmp_path)
    assert "spark.files" not in own
    assert own["spark.locality.wait"] == "0s"
