"""The Spark and Python that the documents claim are those that are locked, fetched and checked."""

import re
import tomllib
from typing import NamedTuple

from orchestration.dataproc.settings import RUNTIMES, SPARKS
from tests.architecture.sources import ROOT

JARS = ROOT / "local_stack" / "jars.txt"
PAGE = ROOT / "docs" / "where-spark-runs.md"


class Pair(NamedTuple):
    """A row of the table in docs/clusters.md."""

    spark: str
    python: str
    jar: str
    packages: str
    tested_by: str


def claimed() -> dict[str, Pair]:
    page = (ROOT / "docs" / "clusters.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (newest|oldest) \| (.+) \|$", page, re.MULTILINE)
    return {name: Pair(*(cell.strip("`") for cell in cells.split(" | "))) for name, cells in rows}


def locked_spark(pair: Pair) -> str:
    return "".join(re.findall(r"^pyspark==(\S+)", (ROOT / pair.packages).read_text(), re.MULTILINE))


def packages(pair: Pair) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][^=\s]*)==(\S+)", (ROOT / pair.packages).read_text(), re.MULTILINE))


def test_each_pairs_spark_is_the_locked_one_and_its_jar_is_of_that_version() -> None:
    pairs = claimed()
    assert pairs.keys() == {"newest", "oldest"}
    for pair in pairs.values():
        assert pair.spark == locked_spark(pair)
        assert pair.jar == f"spark-sql-kafka-0-10_2.13:{pair.spark}"
    assert f"spark org.apache.spark:{pairs['newest'].jar} " in JARS.read_text()
    assert f"spark-4.0 org.apache.spark:{pairs['oldest'].jar} " in JARS.read_text()


def test_each_pair_can_be_handed_over_to_dataproc() -> None:
    assert {pair.spark.rpartition(".")[0] for pair in claimed().values()} == {*SPARKS}
    row = r"^\| Serverless, \[runtime (\S+)\]\S* \S+ \| (\d\.\d+)\.\d+ \| (\S+) \|"
    [(runtime, spark, python)] = re.findall(row, PAGE.read_text(), re.MULTILINE)
    assert {spark: runtime} == RUNTIMES
    assert python == claimed()["oldest"].python


def test_each_pairs_python_is_the_one_that_is_set_up_and_that_ruff_checks_for() -> None:
    pairs = claimed()
    setup = (ROOT / "local_stack" / "setup.sh").read_text()
    assert dict(re.findall(r"^(newest|oldest)=(\S+)$", setup, re.MULTILINE)) == {n: p.python for n, p in pairs.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["requires-python"] == f"=={pairs['newest'].python}.*"
    ruff = project["tool"]["ruff"]
    assert ruff["target-version"] == f"py{pairs['newest'].python.replace('.', '')}"
    assert ruff["per-file-target-version"] == {"spark_jobs/**": f"py{pairs['oldest'].python.replace('.', '')}"}


def test_the_oldest_pair_differs_from_the_newest_in_nothing_but_spark_arrow_and_python() -> None:
    newest, oldest = (packages(claimed()[name]) for name in ("newest", "oldest"))
    assert {name for name, version in oldest.items() if newest.get(name) != version} == {"pyspark", "pyarrow"}


def test_what_tests_the_oldest_pair_is_a_target_of_make() -> None:
    assert claimed()["oldest"].tested_by == "make test-pairs"
    assert re.search(r"^test-pairs: setup ## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
