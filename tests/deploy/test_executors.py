"""Executors in pods of their own, as Spark makes them of our template: what it adds stands here, by its source.

Belongs here: what Spark does with the template, the configuration and the image. Does not belong here: schemas and the
restricted profile (test_rendered). No executor was started in a cluster.
"""

import re
from copy import deepcopy
from pathlib import PurePosixPath
from typing import Any

import pytest

from orchestration.platform.parts import executor_command
from spark_jobs.driver.spark_session import conf_of
from tests.architecture.sources import ROOT
from tests.deploy.rendered import objects, pods

NAME = "executors"
GIVEN_BY_SPARK = {
    "SPARK_APPLICATION_ID": "spark-1",
    "SPARK_CONF_DIR": "/opt/spark/conf",
    "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@10.0.0.7:7078",
    "SPARK_EXECUTOR_CORES": "4",
    "SPARK_EXECUTOR_ID": "1",
    "SPARK_EXECUTOR_MEMORY": "4096m",
    "SPARK_EXECUTOR_POD_IP": "10.0.0.8",
    "SPARK_EXECUTOR_POD_NAME": "payments-exec-1",
    "SPARK_JAVA_OPT_0": "-Dspark.driver.port=7078",
    "SPARK_RESOURCE_PROFILE_ID": "0",
}
"""Variables of an executor's container (BasicExecutorFeatureStep)."""
LOCAL_VOLUME = "spark-local-dir-"
ACCOUNT = "spark.kubernetes.authenticate.executor.serviceAccountName"


def variables_of_the_image() -> dict[str, str]:
    """What the last ENV of the stage `payments` sets."""
    text = (ROOT / "deploy" / "image" / "Containerfile").read_text()
    [stage] = re.findall(r"^FROM scratch AS payments\n(.*?)^FROM ", text, re.MULTILINE | re.DOTALL)
    [env] = re.findall(r"^ENV ((?:.*\\\n)*.*)$", stage, re.MULTILINE)
    return dict(word.partition("=")[::2] for word in env.replace("\\\n", " ").split())


def pod_of_spark() -> dict[str, Any]:
    """The spec of the template with the volumes that Spark adds (LocalDirsFeatureStep, BasicExecutorFeatureStep)."""
    spec: dict[str, Any] = deepcopy(pods(NAME)["executor"]["spec"])
    [container] = spec["containers"]
    mounts, added = container["volumeMounts"], {"spark-conf-volume-exec": GIVEN_BY_SPARK["SPARK_CONF_DIR"]}
    if not [mount for mount in mounts if mount["name"].startswith(LOCAL_VOLUME)]:
        # The driver's variable, which it has from the image.
        folders = variables_of_the_image()["SPARK_LOCAL_DIRS"].split(",")
        added |= {f"{LOCAL_VOLUME}{number}": folder for number, folder in enumerate(folders, 1)}
    for name, folder in added.items():
        spec["volumes"].append({"name": name})
        mounts.append({"name": name, "mountPath": folder})
    return spec


@pytest.fixture
def conf(tmp_path: Any) -> dict[str, str]:
    [found] = [each for each in objects(NAME) if each["metadata"]["name"] == "payments-spark"]
    path = tmp_path / "spark.conf"
    path.write_text(found["data"]["spark.conf"])
    return conf_of(path)


def test_no_two_volumes_are_mounted_at_one_place() -> None:
    spec = pod_of_spark()
    [container] = spec["containers"]
    places = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert sorted(places) == sorted(set(places)), "the API server refuses such a pod"
    assert {mount["name"] for mount in container["volumeMounts"]} <= {volume["name"] for volume in spec["volumes"]}


def test_an_executor_can_copy_its_jars_to_where_it_was_started() -> None:
    [container] = pods(NAME)["executor"]["spec"]["containers"]
    writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    folder = PurePosixPath(container["workingDir"])
    assert writable & {str(each) for each in (folder, *folder.parents)}, "the root is read-only"


def test_its_command_finds_in_the_pod_all_that_it_reads() -> None:
    image = variables_of_the_image()
    command = executor_command(image | GIVEN_BY_SPARK)
    assert command[command.index("-cp") + 1] == f"{image['SPARK_HOME']}/jars/*"
    assert PurePosixPath(image["SPARK_HOME"]).name == "pyspark"
    assert image["SPARK_HOME"].startswith("/opt/payments/venv/lib/python3.13/site-packages/"), (
        "where build.sh prunes it"
    )


def test_it_has_the_account_that_may_read_and_write_what_the_processor_does(conf: dict[str, str]) -> None:
    accounts = {name: value for name, value in conf.items() if name.endswith("serviceAccountName")}
    assert accounts == {ACCOUNT: "payments-processor"}, "Spark reads no other name, and takes the namespace's default"
    [account] = [
        each for each in objects(NAME) if (each["kind"], each["metadata"]["name"]) == ("ServiceAccount", conf[ACCOUNT])
    ]
    assert "payments-stream@" in str(account["metadata"]["annotations"])
