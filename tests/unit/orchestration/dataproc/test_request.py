"""What is asked for, held against the client library's own types and the API's own description."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from google.cloud import dataproc_v1

from orchestration.dataproc.request import START_SECONDS, Shift, batch_body, job_body
from spark_jobs.settings import JobSettings, read_job_settings
from tests.discovery import unknown_in
from tests.unit.orchestration.dataproc.examples import CLUSTER, FILES, RUN, SERVERLESS, dataproc_of, handed_over
from tests.unit.orchestration.dataproc.test_settings import GOOGLE, LOGIN

SECRET = re.compile(r"pass(word|phrase)|secret|token|key", re.IGNORECASE)


def batch(env: dict[str, str]) -> dataproc_v1.Batch:
    return dataproc_v1.Batch(batch_body(dataproc_of(env), handed_over(env)))


def job(env: dict[str, str]) -> dataproc_v1.Job:
    return dataproc_v1.Job(job_body(dataproc_of(env), handed_over(env)))


def plain(message: Any) -> Any:
    return json.loads(type(message).to_json(message, always_print_fields_with_no_presence=False))


def argument(arguments: Any, name: str) -> list[str]:
    return [each.partition("=")[2] for each in arguments if each.startswith(f"--{name}=")]


def settings_in(arguments: Any) -> dict[str, str]:
    [text] = argument(arguments, "settings")
    found: dict[str, str] = json.loads(text)
    return found


def test_both_requests_are_what_the_api_describes() -> None:
    at = "/v1/projects/p/locations/r/batches?batchId=payments-1&requestId=1"
    assert not unknown_in("dataproc.v1", "POST", at, plain(batch(SERVERLESS)))
    assert not unknown_in("dataproc.v1", "POST", "/v1/projects/p/regions/r/jobs:submit", {"job": plain(job(CLUSTER))})
    assert unknown_in("dataproc.v1", "POST", at, {"pysparkBatch": {"main": "a", "args": "b"}}) == [
        ".pysparkBatch.main",
        ".pysparkBatch.args is no array",
    ]


def test_a_batch_says_where_as_whom_and_for_how_long_at_most() -> None:
    made = batch(SERVERLESS)
    assert made.runtime_config.version == "3.0"
    assert made.runtime_config.container_image == SERVERLESS["PAYMENTS_DATAPROC_IMAGE"]
    execution = made.environment_config.execution_config
    assert execution.service_account == "payments-stream@acme-payments.iam.gserviceaccount.com"
    assert execution.subnetwork_uri == "payments"
    assert execution.staging_bucket == "acme-staging"
    assert execution.ttl.total_seconds() == START_SECONDS + 2 * 600
    assert made.labels == {"payments_pipeline": "payments", "payments_run": RUN}


def test_a_batch_has_the_shortest_life_that_dataproc_takes() -> None:
    body = batch_body(dataproc_of(SERVERLESS), handed_over(SERVERLESS, Shift(0, 1, 0)))
    assert body["environment_config"]["execution_config"]["ttl"].total_seconds() == 600


def test_a_job_names_its_cluster_and_itself_and_is_not_restarted() -> None:
    made = job(CLUSTER)
    assert made.placement.cluster_name == "payments"
    assert (made.reference.project_id, made.reference.job_id) == ("acme-payments", f"payments-{RUN}")
    assert made.scheduling == dataproc_v1.JobScheduling(), "a failed one is the sensor's to follow"


def test_the_name_is_the_runs_and_one_that_dataproc_takes() -> None:
    assert re.fullmatch("[a-z0-9][a-z0-9-]{2,61}[a-z0-9]", handed_over(SERVERLESS).name)
    assert handed_over(SERVERLESS).name.endswith(RUN)


@pytest.mark.parametrize("made", [batch(SERVERLESS).pyspark_batch, job(CLUSTER).pyspark_job], ids=["batch", "job"])
def test_the_code_is_on_the_path_of_driver_and_executors_before_the_first_task(made: Any) -> None:
    assert made.main_python_file_uri == FILES.main
    assert list(made.python_file_uris) == list(made.file_uris) == [FILES.package]
    assert list(made.jar_file_uris) == list(FILES.jars)
    assert handed_over(CLUSTER).properties["spark.executorEnv.PYTHONPATH"] == "spark_jobs-2.zip"


def test_the_job_there_reads_the_settings_that_are_read_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = tmp_path / "spark.conf"
    conf.write_text("spark.executor.cores 4\n")
    env = CLUSTER | {"PAYMENTS_SPARK_CONF": str(conf), "PAYMENTS_WATERMARK_MINUTES": "90"}
    here = read_job_settings(env)
    monkeypatch.chdir(tmp_path)
    there = read_job_settings(settings_in(handed_over(env).arguments))
    assert there.watermark_minutes == 90
    ours = {"spark_conf", "spark_driver_host", "spark_bind_address", "delta_location"}
    assert different(here, there) <= ours


def different(one: JobSettings, other: JobSettings) -> set[str]:
    return {name for name in JobSettings.__dataclass_fields__ if getattr(one, name) != getattr(other, name)}


def test_what_belongs_to_a_shift_is_an_argument() -> None:
    arguments = handed_over(SERVERLESS, Shift(5, 900, 3)).arguments
    assert argument(arguments, "spark") == ["4.0"]
    assert [argument(arguments, f"{name}-seconds") for name in ("idle", "max", "batch")] == [["5"], ["900"], ["3"]]


def test_what_tasks_read_by_themselves_is_in_the_executors_environment() -> None:
    env = SERVERLESS | {"SCHEMA_REGISTRY_URL": "https://registry.acme.test", "OPENLINEAGE_URL": "http://marquez:5000"}
    made = handed_over(env)
    assert made.properties["spark.executorEnv.SCHEMA_REGISTRY_URL"] == "https://registry.acme.test"
    assert settings_in(made.arguments)["SCHEMA_REGISTRY_URL"] == "https://registry.acme.test"
    assert settings_in(made.arguments)["OPENLINEAGE_URL"] == "http://marquez:5000"


def test_files_of_this_machine_go_along_by_their_text(tmp_path: Path) -> None:
    mapping, client = tmp_path / "mapping.toml", tmp_path / "client.properties"
    mapping.write_text("[payment]\nid = 'a'\n")
    client.write_text(GOOGLE)
    arguments = handed_over(
        SERVERLESS | {"PAYMENTS_EVENT_MAPPING": str(mapping), "KAFKA_CLIENT_PROPERTIES": str(client)}
    ).arguments
    assert argument(arguments, "file") == [
        "PAYMENTS_EVENT_MAPPING=[payment]\nid = 'a'\n",
        f"KAFKA_CLIENT_PROPERTIES={GOOGLE}",
    ]
    assert not {"PAYMENTS_EVENT_MAPPING", "KAFKA_CLIENT_PROPERTIES"} & settings_in(arguments).keys()


def test_a_file_with_a_secret_is_only_named(tmp_path: Path) -> None:
    client = tmp_path / "client.properties"
    client.write_text(f"security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n{LOGIN}")
    made = handed_over(CLUSTER | {"KAFKA_CLIENT_PROPERTIES": str(client)})
    assert settings_in(made.arguments)["KAFKA_CLIENT_PROPERTIES"] == str(client)
    assert not argument(made.arguments, "file")
    assert "hunter2" not in str(job_body(dataproc_of(CLUSTER), made))


def test_nothing_that_is_sent_is_called_a_secret() -> None:
    made = handed_over(SERVERLESS)
    named = {*settings_in(made.arguments), *(n for n in made.properties if n.startswith("spark.executorEnv."))}
    assert not {name for name in named if SECRET.search(name)}


def test_sparks_properties_are_the_jobs_without_what_dataproc_decides() -> None:
    told = handed_over(SERVERLESS).properties
    assert told["spark.python.daemon.module"] == "spark_jobs.driver.worker_daemon"
    assert told["spark.sql.session.timeZone"] == "UTC"
    assert told["spark.locality.wait"] == "2s"
    assert not {name for name in told if "checkpointFileManager" in name}, "its name depends on Spark's version"
    theirs = (
        "spark.driver.host",
        "spark.driver.bindAddress",
        "spark.jars",
        "spark.files",
        "spark.shuffle.",
        "spark.master",
    )
    assert not {name for name in told if name.startswith((*theirs, "spark.hadoop.fs."))}
    assert not {name for name, value in told.items() if "SharedArchiveFile" in value or "-XX:" in value}
    assert all(isinstance(value, str) for value in told.values())


def test_a_users_own_configuration_wins(tmp_path: Path) -> None:
    conf = tmp_path / "spark.conf"
    conf.write_text("spark.executor.instances 4\nspark.locality.wait 5s\nspark.driver.extraJavaOptions -XX:+UseZGC\n")
    told = handed_over(CLUSTER | {"PAYMENTS_SPARK_CONF": str(conf)}).properties
    assert told["spark.executor.instances"] == "4"
    assert told["spark.locality.wait"] == "5s"
    assert told["spark.driver.extraJavaOptions"] == "-XX:+UseZGC"
