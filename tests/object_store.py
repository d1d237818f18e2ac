"""Cloud Storage's stand-in on this machine, and a Spark session that keeps its checkpoint there.

Belongs here: starting both for tests. Does not belong here: what the stand-in answers, machines of their own (tests/
cluster).
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pyspark.sql import SparkSession

from local_stack.processes import free_port
from spark_jobs import file_systems
from spark_jobs.driver.spark_session import FILE_MANAGER, spark_conf
from spark_jobs.file_systems import STAND_IN
from spark_jobs.settings import JobSettings
from tests.architecture.sources import ROOT
from tests.built_tools import NO_OBJECT_STORE, OBJECT_STORE, find
from tests.cluster.object_store_server import command_behind
from tests.integration.command import wait_for

BUCKET = "payments-test"
_HOST = "127.0.0.1"
_START_SECONDS = 30


@contextmanager
def started(endpoint: str, folder: Path) -> Iterator[str]:
    """A bucket's URI at http://127.0.0.1:port, where a client may do what the streaming job's role may; or skip."""
    server = find(OBJECT_STORE)
    if server is None:
        pytest.skip(NO_OBJECT_STORE)
    port, upstream = urlsplit(endpoint).port or 0, free_port(_HOST)
    front = (sys.executable, "-m", "tests.cluster.object_store_server", _HOST, str(port), BUCKET)
    running: list[subprocess.Popen[bytes]] = []
    with (folder / "object-store.log").open("wb") as log:
        try:
            for command in (
                command_behind(str(server), endpoint, upstream),
                (*front, "--upstream-port", str(upstream)),
            ):
                running.append(subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log))
            wait_for(f"an answer of {OBJECT_STORE}", lambda: _answers(port), _START_SECONDS, every=0.05)
            yield f"gs://{BUCKET}"
        finally:
            for process in reversed(running):
                process.kill()
                process.wait(10)


def _answers(port: int) -> bool:
    with socket.socket() as asking:
        return not asking.connect_ex((_HOST, port))


@contextmanager
def named(endpoint: str) -> Iterator[None]:
    """This process, and those that it starts, take the endpoint for Cloud Storage."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STAND_IN, endpoint)
        file_systems._google.cache_clear()
        try:
            yield
        finally:
            file_systems._google.cache_clear()


@contextmanager
def session_on(settings: JobSettings, shared: SparkSession, home: Path) -> Iterator[SparkSession]:
    """A session of the shared one's process that is set up for `settings`, as one of its own process is from its start.

    A process has one Spark, whose jars must have the connector.
    """
    wanted, spark = spark_conf(settings, home), shared.newSession()
    for name, value in wanted.items():
        if name.startswith(("spark.hadoop.fs.gs.", "spark.hadoop.fs.AbstractFileSystem.")):
            spark.conf.set(name.removeprefix("spark.hadoop."), value)
    # The shared one has that for files of this machine.
    spark.conf.set(FILE_MANAGER, wanted[FILE_MANAGER])
    workers = shared.sparkContext.environment
    workers[STAND_IN] = os.environ[STAND_IN]
    try:
        yield spark
    finally:
        del workers[STAND_IN]
