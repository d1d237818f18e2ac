"""The job on the oldest Spark and Python that it claims to run on: processes of their environment, with our code.

Belongs here: what such a process has, and one run of it. Does not belong here: what must come of it.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from orchestration.dataproc.code_files import jars_for
from spark_jobs.crash_points import VARIABLE, Point
from spark_jobs.settings import JobSettings, payments_home

ROOT = Path(__file__).parents[2]
PYTHON = payments_home() / "oldest-env" / "bin" / "python"


def _one(pattern: str, file: str) -> str:
    [found] = re.findall(pattern, (ROOT / file).read_text(), re.MULTILINE)
    return str(found)


def spark_in(requirements: str) -> str:
    """The version of Spark that is locked in a file of requirements."""
    return _one(r"^pyspark==(\S+)", f"requirements/{requirements}")


OLDEST_SPARK = spark_in("oldest.txt")
OLDEST_PYTHON = _one(r"^oldest=(\S+)$", "local_stack/setup.sh")
LIMIT_SECONDS = 300


class OldestPair:
    """What runs the job once in its environment; `folder` becomes its home."""

    def __init__(self, folder: Path) -> None:
        if not PYTHON.exists():
            pytest.skip("the oldest Spark and Python are not installed: `make test-pairs` does it")
        self._home = folder
        jars = folder / "jars" / "spark"
        jars.mkdir(parents=True)
        for jar in jars_for(OLDEST_SPARK.rpartition(".")[0], payments_home()):
            (jars / jar.name).symlink_to(jar.resolve())
        if (payments_home() / "java").exists():
            (folder / "java").symlink_to((payments_home() / "java").resolve())

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Its interpreter, with our code, and nothing of the session that this process may have."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYSPARK_", "SPARK_"))}
        env |= {"PYTHONPATH": str(ROOT), "PAYMENTS_HOME": str(self._home)} | environment
        command = [str(PYTHON), *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS
        )

    def drain(self, settings: JobSettings) -> str:
        """Publish all that waits; what the job printed."""
        done = self._job(settings, "")
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def die_at(self, point: Point, settings: JobSettings) -> None:
        """Begin to publish what waits, and be killed there."""
        done = self._job(settings, point)
        assert done.returncode == -9, done.stderr[-3000:]

    def _job(self, settings: JobSettings, fate: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "spark_jobs.process_payments", **settings.environment(), **{VARIABLE: fate})
