"""Where at Dataproc: what is read, and one clear line for each thing that cannot be there."""

import re
from pathlib import Path

import pytest

from orchestration.dataproc.settings import (
    KAFKA_SECRETS,
    OTHER_SECRETS,
    SPARKS,
    DataprocSettings,
    needs_files,
    read_dataproc,
)
from orchestration.settings import PROJECT_ROOT, read_stack_settings
from spark_jobs.settings import SettingError, read_job_settings
from tests.unit.orchestration.dataproc.examples import CLUSTER, SERVERLESS, dataproc_of

GOOGLE = """\
security.protocol=SASL_SSL
sasl.mechanism=OAUTHBEARER
sasl.login.callback.handler.class=com.google.cloud.hosted.kafka.auth.GcpLoginCallbackHandler
sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
"""
LOGIN = 'sasl.jaas.config=a.b.PlainLoginModule required username="a" password="hunter2";\n'


def refused(env: dict[str, str]) -> str:
    with pytest.raises(SettingError) as error:
        read_dataproc(env, read_job_settings(env))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_by_default_spark_is_not_at_dataproc() -> None:
    assert read_dataproc({}, read_job_settings({})) is None
    assert read_stack_settings({}).dataproc is None


def test_a_batch_runs_in_a_container_and_a_job_on_a_cluster() -> None:
    assert dataproc_of(SERVERLESS) == DataprocSettings(
        project="acme-payments",
        region="europe-west3",
        bucket="acme-staging",
        image=SERVERLESS["PAYMENTS_DATAPROC_IMAGE"],
        runtime="3.0",
        account="payments-stream@acme-payments.iam.gserviceaccount.com",
        subnetwork="payments",
    )
    assert dataproc_of(CLUSTER) == DataprocSettings("acme-payments", "europe-west3", "acme-staging", "payments")
    named = CLUSTER | {"PAYMENTS_DATAPROC_PROJECT": "acme-spark", "PAYMENTS_DATAPROC_BUCKET": "acme-code"}
    assert (dataproc_of(named).project, dataproc_of(named).bucket) == ("acme-spark", "acme-code")


def test_the_runtime_is_one_that_has_the_spark_and_has_to_be_named_where_none_is_known() -> None:
    assert (dataproc_of(SERVERLESS).spark, dataproc_of(SERVERLESS).runtime) == ("4.0", "3.0")
    newest = {"PAYMENTS_DATAPROC_SPARK": "4.2"}
    assert refused(SERVERLESS | newest).endswith("PAYMENTS_DATAPROC_RUNTIME is not set.")
    made = dataproc_of(SERVERLESS | newest | {"PAYMENTS_DATAPROC_RUNTIME": "3.1"})
    assert (made.spark, made.runtime) == ("4.2", "3.1")
    assert dataproc_of(CLUSTER).spark == "4.0"
    assert dataproc_of(CLUSTER | newest).spark == "4.2"


def test_a_spark_without_jars_is_refused_in_one_line() -> None:
    for env in (SERVERLESS, CLUSTER):
        line = refused(env | {"PAYMENTS_DATAPROC_SPARK": "4.1"})
        assert line == f"PAYMENTS_DATAPROC_SPARK must be one of {', '.join(SPARKS)}, not '4.1'."


def test_the_platforms_settings_have_it() -> None:
    assert read_stack_settings(CLUSTER | {"DBT_TARGET": "production"}).dataproc == dataproc_of(CLUSTER)


@pytest.mark.parametrize("env", [SERVERLESS, CLUSTER], ids=["serverless", "cluster"])
def test_what_holds_on_one_machine_only_is_refused_in_one_line(env: dict[str, str]) -> None:
    kind = env["PAYMENTS_PROCESSOR"]
    assert refused(env | {"PAYMENTS_TURN": "lock"}) == (
        f"PAYMENTS_PROCESSOR is {kind}, and PAYMENTS_TURN is lock, which holds on one machine only: set "
        "PAYMENTS_TURN=lease."
    )
    assert "CHECKPOINT_LOCATION is a folder of this machine" in refused(env | {"CHECKPOINT_LOCATION": "/data"})
    local = {k: v for k, v in env.items() if k != "BIGQUERY_PROJECT"}
    assert "the warehouse is the local one" in refused(local)
    assert "STAGING_LOCATION" in refused(env | {"STAGING_LOCATION": "/data"})
    assert "SINKS has delta" in refused(env | {"SINKS": "bigquery,delta"})


@pytest.mark.parametrize("env", [SERVERLESS, CLUSTER], ids=["serverless", "cluster"])
@pytest.mark.parametrize("name", [*KAFKA_SECRETS, *OTHER_SECRETS])
def test_a_secret_is_refused_and_never_repeated(env: dict[str, str], name: str) -> None:
    line = refused(env | {name: "hunter2"})
    assert f"{name} is set, a secret" in line
    assert "hunter2" not in line


def test_every_secret_of_the_job_that_is_documented_is_refused() -> None:
    page = (PROJECT_ROOT / "docs" / "configuration.md").read_text()
    secrets = set(re.findall(r"^\| `(\w+)` \|[^|]*\| A secret", page, re.MULTILINE))
    of_the_job = {name for name in secrets if not name.startswith("PAYMENTS_ALERT_")}
    assert of_the_job == {*KAFKA_SECRETS, *OTHER_SECRETS}


def test_a_connection_without_secrets_goes_anywhere_and_another_to_a_clusters_nodes(tmp_path: Path) -> None:
    path = tmp_path / "client.properties"
    login = {"KAFKA_CLIENT_PROPERTIES": str(path)}
    path.write_text(GOOGLE)
    assert not needs_files(login)
    assert dataproc_of(SERVERLESS | login)
    for text in (LOGIN, "ssl.truststore.location=/etc/kafka/ca.pem\n"):
        path.write_text(f"security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n{LOGIN}{text}")
        assert needs_files(login)
        assert dataproc_of(CLUSTER | login)
        line = refused(SERVERLESS | login)
        assert "for which a container has no place" in line
        assert "hunter2" not in line


def test_what_is_missing_wrong_or_of_the_other_kind_is_named() -> None:
    without = {name: value for name, value in SERVERLESS.items() if name != "PAYMENTS_DATAPROC_IMAGE"}
    assert refused(without) == "PAYMENTS_PROCESSOR is dataproc-serverless, and PAYMENTS_DATAPROC_IMAGE is not set."
    assert "PAYMENTS_DATAPROC_IMAGE is 'payments'" in refused(SERVERLESS | {"PAYMENTS_DATAPROC_IMAGE": "payments"})
    assert "PAYMENTS_DATAPROC_REGION" in refused(CLUSTER | {"PAYMENTS_DATAPROC_REGION": "Frankfurt"})
    assert "PAYMENTS_DATAPROC_CLUSTER is set, which is of the other kind" in refused(
        SERVERLESS | {"PAYMENTS_DATAPROC_CLUSTER": "payments"}
    )
    assert "PAYMENTS_DATAPROC_ACCOUNT is set" in refused(CLUSTER | {"PAYMENTS_DATAPROC_ACCOUNT": "a"})


def test_a_master_is_dataprocs_to_decide(tmp_path: Path) -> None:
    conf = tmp_path / "spark.conf"
    conf.write_text("spark.executor.cores 4\nspark.master yarn\n")
    assert "names a spark.master" in refused(CLUSTER | {"PAYMENTS_SPARK_CONF": str(conf)})
    conf.write_text("spark.executor.cores 4\n")
    assert dataproc_of(CLUSTER | {"PAYMENTS_SPARK_CONF": str(conf)})
