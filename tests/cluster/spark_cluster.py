"""Spark standalone: a master and workers, each on a machine of its own that has Python's packages and none of our code.

Belongs here: their start. Does not belong here: the job.
"""

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from spark_jobs.settings import java_home, payments_home
from tests.cluster.network import Host, Process, Word

PORT = 7077
WORKER_MEMORY = "3g"
EXECUTOR_MEMORY = "1g"


class SparkCluster:
    """A master on one host, and a worker of one core on each of the others."""

    def __init__(self, master: Host, workers: Sequence[Host]) -> None:
        self._master, self.workers = master, workers
        self.address = f"spark://{master.address}:{PORT}"
        self._running: dict[str, Process] = {}

    def start(self) -> None:
        """All of them, and wait until each worker is known to the master."""
        listen = ["--host", self._master.address, "--port", str(PORT)]
        master = _start(self._master, "master.Master", listen)
        _until_it_says(master, "I have been elected leader")
        for host in self.workers:
            self.start_worker(host)
        for host in self.workers:
            _until_it_says(self._running[host.name], "Successfully registered with master")

    def start_worker(self, host: Host) -> None:
        """One that does not run."""
        given = ["--host", host.address, "--cores", "1", "--memory", WORKER_MEMORY]
        self._running[host.name] = _start(host, "worker.Worker", [*given, "--work-dir", "work", self.address])

    def kill(self, host: Host) -> None:
        """A worker, its executor, and that one's Python."""
        host.kill()

    def conf(self) -> str:
        """What a driver elsewhere says in its own file of Spark's configuration."""
        message = {
            "spark.master": self.address,
            "spark.executor.memory": EXECUTOR_MEMORY,
            "spark.executor.cores": "1",
            # A machine that is gone is noticed within seconds.
            "spark.network.timeout": "20s",
            "spark.network.timeoutInterval": "5s",
            "spark.executor.heartbeatInterval": "2s",
        }
        return "".join(f"{name} {value}\n" for name, value in message.items())


def _start(host: Host, program: str, arguments: Sequence[str]) -> Process:
    spec = find_spec("pyspark")
    assert spec
    assert spec.origin
    home = Path(spec.origin).parent
    java = java_home(payments_home())
    env = {
        "SPARK_HOME": str(home),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": host.address,
        "SPARK_LOCAL_DIRS": str(host.here / "tmp"),
        "SPARK_DAEMON_MEMORY": "256m",
        **({"JAVA_HOME": java} if java else {}),
        **{name: os.environ[name] for name in ("JDK_JAVA_OPTIONS",) if name in os.environ},
    }
    command: list[Word] = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{program}", *arguments]
    return host.start("spark", command, env, has_code=False)


def _until_it_says(process: Process, words: str) -> None:
    process.until(lambda: words in process.output())
