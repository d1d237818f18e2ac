"""The parts of a deployment: commands of this interpreter, and an executor as Spark's own image starts it."""

import importlib.util
import subprocess
import sys

import pytest

from orchestration.platform.parts import EXECUTOR, PARTS, command_of

POD = {
    "JAVA_HOME": "/opt/java",
    "SPARK_HOME": "/opt/spark",
    "SPARK_EXECUTOR_MEMORY": "4g",
    "SPARK_DRIVER_URL": "spark://CoarseGrainedScheduler@10.0.0.7:7078",
    "SPARK_EXECUTOR_ID": "3",
    "SPARK_EXECUTOR_CORES": "2",
    "SPARK_APPLICATION_ID": "spark-1",
    "SPARK_EXECUTOR_POD_IP": "10.0.0.8",
    "SPARK_RESOURCE_PROFILE_ID": "0",
    "SPARK_EXECUTOR_POD_NAME": "payments-exec-3",
    "SPARK_JAVA_OPT_10": "-Dlast=yes",
    "SPARK_JAVA_OPT_2": "-Dfirst=yes",
}


@pytest.mark.parametrize("part", sorted(PARTS))
def test_every_part_is_a_module_that_is_there(part: str) -> None:
    program, flag, module, *_ = command_of(part, [], {})
    assert (program, flag) == (sys.executable, "-m")
    assert importlib.util.find_spec(module)


def test_arguments_follow_those_of_the_part() -> None:
    assert command_of("simulator", ["--rate", "20"], {}) == [sys.executable, "-m", "simulator", "--rate", "20"]


def test_an_executor_is_started_as_sparks_own_image_starts_it() -> None:
    command = command_of(EXECUTOR, [], POD)
    assert command[:5] == ["/opt/java/bin/java", "-Dfirst=yes", "-Dlast=yes", "-Xms4g", "-Xmx4g"]
    assert command[5:8] == [
        "-cp",
        "/opt/spark/jars/*",
        "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
    ]
    assert command[command.index("--driver-url") + 1] == POD["SPARK_DRIVER_URL"]
    assert command[command.index("--podName") + 1] == "payments-exec-3"


def test_a_part_that_is_none_is_refused_in_one_line_that_names_them_all() -> None:
    command = [sys.executable, "-m", "orchestration.platform.parts", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert all(part in line for part in (*PARTS, EXECUTOR))
