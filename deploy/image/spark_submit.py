#!/opt/payments/venv/bin/python
"""Spark's own `spark-submit` without a shell: pyspark starts its JVM by this name.

Belongs here: asking Spark's launcher for the command, and becoming it. Does not belong here: any option of it.
"""

import os
import subprocess
import sys
from pathlib import Path

_SPARK = Path(__file__).resolve().parents[1]


def main() -> None:
    """Become the JVM, as the launcher says; end as it does where it says nothing."""
    os.environ.setdefault("SPARK_HOME", str(_SPARK))
    os.environ.setdefault("SPARK_SCALA_VERSION", "2.13")
    java = str(Path(os.environ["JAVA_HOME"], "bin", "java"))
    launcher = [java, "-Xmx128m", "-cp", f"{_SPARK}/jars/*", "org.apache.spark.launcher.Main"]
    printed = subprocess.run(
        [*launcher, "org.apache.spark.deploy.SparkSubmit", *sys.argv[1:]], stdout=subprocess.PIPE, check=False
    )
    # A line with nothing but a NUL, then each argument with one behind it.
    before, begins, command = printed.stdout.partition(b"\0\n")
    sys.stdout.buffer.write(before)
    if printed.returncode or not begins:
        sys.exit(printed.returncode or 1)
    arguments = [part.decode() for part in command.split(b"\0")[:-1]]
    os.execv(arguments[0], arguments)  # noqa: S606 - that is the point


if __name__ == "__main__":
    main()
