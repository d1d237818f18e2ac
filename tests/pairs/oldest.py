"""The job on the oldest Spark and Python that it claims to run on, and on ours: processes with our code.

Belongs here: what such a process has, and one run of it. Does not belong here: what must come of it.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

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


@dataclass(frozen=True, slots=True)
class Pair:
    """What runs the job once: an interpreter, and a home with the jars of its Spark."""

    interpreter: Path
    home: Path

    @classmethod
    def newest(cls) -> Self:
        """The pair that runs these tests."""
        return cls(Path(sys.executable), payments_home())

    @classmethod
    def oldest(cls, home: Path) -> Self:
        """The oldest pair; `home` is made. Skips where it is not installed."""
        if not PYTHON.exists():
            pytest.skip("the oldest Spark and Python are not installed: `make test-pairs` does it")
        jars = home / "jars" / "spark"
        jars.mkdir(parents=True)
        for jar in jars_for(OLDEST_SPARK.rpartition(".")[0], payments_home()):
            (jars / jar.name).symlink_to(jar.resolve())
        if (payments_home() / "java").exists():
            (home / "java").symlink_to((payments_home() / "java").resolve())
        return cls(PYTHON, home)

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Its interpreter, with our code, and nothing of the session that this process may have."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYSPARK_", "SPARK_"))}
        env |= {"PYTHONPATH": str(ROOT), "PAYMENTS_HOME": str(self.home)} | environment
        command = [str(self.interpreter), *arguments]
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
