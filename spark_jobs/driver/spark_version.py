"""Which Spark runs the job.

Belongs here: its version. Does not belong here: what follows from it (spark_session, checkpoint).
"""


def spark_version() -> str:
    """Of the `pyspark` that is imported: a cluster brings its own, of which pip knows nothing or another one."""
    from pyspark import __version__

    return str(__version__)


def has_moved_checkpoint_files(version: str) -> bool:
    """Whether its classes that handle a checkpoint's files are in a package of their own, as from Spark 4.1 on."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return (major, minor) >= (4, 1)
