"""The container of a serverless batch, as the Containerfile says it: what Google asks for, and no Spark.

Dataproc itself was not asked. Building it needs buildah: `make image DATAPROC=1`.
"""

import re
import subprocess

from orchestration.dataproc.settings import PROCESSOR
from tests.architecture.sources import ROOT
from tests.architecture.test_pairs import claimed, packages

IMAGE = ROOT / "deploy" / "image"


def stage(name: str) -> str:
    """The instructions of a stage, up to the next one."""
    [found] = re.findall(
        rf"^FROM \S+ AS {name}\n(.*?)(?=^FROM |\Z)", (IMAGE / "Containerfile").read_text(), re.M | re.S
    )
    return str(found)


def test_the_user_is_the_one_that_dataproc_runs_containers_as() -> None:
    assert "groupadd -g 1099 spark" in stage("dataproc")
    assert "useradd -u 1099 -g 1099 -m spark" in stage("dataproc")
    assert re.findall(r"^USER (\S+)$", stage("dataproc"), re.M) == ["1099:1099"]


def test_what_sparks_scripts_need_is_there() -> None:
    assert {"tini", "procps", "libjemalloc2"} <= set(stage("dataproc").split())


def test_it_has_the_python_and_packages_of_the_oldest_pair_and_neither_spark_nor_our_code() -> None:
    oldest = claimed()["oldest"]
    assert f"python install --no-progress --no-bin {oldest.python} " in stage("dataproc-packages")
    assert f"--python {oldest.python} /opt/payments/venv " in stage("dataproc-packages")
    build = (IMAGE / "build.sh").read_text()
    [command] = re.findall(r'^  (awk .*) >"\$context/requirements/dataproc.txt"$', build, re.M)
    installed = subprocess.run(["/bin/sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"^(\S+)==(\S+)", installed, re.M))
    assert found == {name: version for name, version in packages(oldest).items() if name != "pyspark"}
    assert installed.count("--hash=sha256:") > len(found)
    assert re.findall(r"^COPY .*$", stage("dataproc"), re.M) == [
        f"COPY --from=dataproc-packages /opt/payments/{folder} /opt/payments/{folder}" for folder in ("python", "venv")
    ]
    assert "PYSPARK_PYTHON=/opt/payments/venv/bin/python" in stage("dataproc")
    assert "JAVA_HOME" not in stage("dataproc"), "Dataproc mounts its Java"


def test_the_page_names_the_target_that_builds_it() -> None:
    page = (ROOT / "docs" / "where-spark-runs.md").read_text()
    assert "make image DATAPROC=1" in page
    assert PROCESSOR in page
    assert 'build dataproc "${DATAPROC_IMAGE:-localhost/payments-dataproc:latest}"' in (IMAGE / "build.sh").read_text()
