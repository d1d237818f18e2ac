"""What Dataproc is handed, run by Spark itself: by spark-submit, with executors that are processes of their own.

Their code is the ZIP file of the request, and the session has the properties of the request alone. Not Dataproc: its
Spark, its machines and its network are not here.
"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyspark
import pytest

from orchestration.dataproc.code_files import upload_code
from orchestration.dataproc.request import Shift, Submission, spark_properties, submission_of
from spark_jobs.settings import BY_LEASE
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

OURS = ".".join(pyspark.__version__.split(".")[:2])
CLUSTER = "local-cluster[1,2,1024]"
"""Spark's own for tests: a worker, and an executor with two cores, each a process with a folder of its own."""


def submitted(handed: Submission, folder: Path) -> subprocess.CompletedProcess[str]:
    """As Dataproc starts it: files by name, configuration by properties, nothing of ours in the environment."""
    # A worker of this kind has its folder in SPARK_HOME: one of its own, with everything else linked.
    spark = folder / "spark"
    spark.mkdir(parents=True)
    for each in Path(pyspark.__path__[0]).iterdir():
        (spark / each.name).symlink_to(each)
    files = handed.files
    local = [uri.removeprefix("file://") for uri in (files.package, *files.jars)]
    properties = {**handed.properties, "spark.executor.memory": "1g"}
    told = folder / "spark.properties"
    told.write_text("".join(f"{name} {value}\n" for name, value in properties.items()))
    command = [
        str(spark / "bin" / "spark-submit"),
        *("--master", CLUSTER, "--properties-file", str(told)),
        *("--py-files", local[0], "--files", local[0], "--jars", ",".join(local[1:])),
        files.main.removeprefix("file://"),
        *handed.arguments,
    ]
    kept = {name: os.environ[name] for name in ("HOME", "JAVA_HOME") if name in os.environ}
    env = kept | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "SPARK_HOME": str(spark)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300)


def test_a_run_that_is_handed_over_publishes_in_its_turn(world: World, home: Path, tmp_path: Path) -> None:
    job = replace(world.settings, turn=BY_LEASE)
    sent = world.simulate(2000, seed=58)
    files = upload_code(home, (tmp_path / "bucket").as_uri(), OURS)
    handed = submission_of("run-1", job, files, Shift(0, 120, 0), {}, spark_properties(job))
    done = submitted(handed, tmp_path / "driver")
    assert done.returncode == 0, done.stdout[-3000:]
    published = {place: row["disposition"] for place, row in world.deliveries().items()}
    assert published == {(record.partition, record.offset): record.disposition.value for record in sent.deliveries}
    [executor] = (tmp_path / "driver" / "spark" / "work").glob("app-*/0")
    assert (executor / files.package_name).is_file(), "it found its code in its working folder"
