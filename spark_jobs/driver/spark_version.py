"""Which Spark runs the job.

Belongs here: its version. Does not belong here: what follows from it (spark_session, checkpoint).
"""


def spark_version() -> str:
    """Of the `pyspark` that is imported: a cluster brings its own, of which pip knows nothing or another one."""
    from pyspark import __version__

    return str(__version__)


def checkpoint_package(version: str) -> str:
    """The package of the classes that handle a checkpoint's files: one of their own, as from Spark 4.1 on."""
    package = "org.apache.spark.sql.execution.streaming"
    major, minor = (int(part) for part in version.split(".")[:2])
    return f"{package}.checkpointing" if (major, minor) >= (4, 1) else package
