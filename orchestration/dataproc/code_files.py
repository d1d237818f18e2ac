"""The job's code and jars in a bucket, each file at a name that follows from its content.

Belongs here: which files, and uploading what is not there. Does not belong here: the packages of Python, which the
container or the cluster's nodes have installed. A file is written anew once a day: the bucket's lifecycle rules delete
by age.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from spark_jobs.settings import SettingError

FOLDER = "payments-code"
"""Beside the staging location, never in it: an erasure deletes what it does not know there."""
KEPT_FRESH = timedelta(days=1)
_KAFKA_SOURCE = re.compile(r"spark-sql-kafka-.*-(\d+\.\d+)\.\d+\.jar")


@dataclass(frozen=True, slots=True)
class CodeFiles:
    """URIs: the main file, the package `spark_jobs` as a ZIP file, the jars that Dataproc's own Spark lacks."""

    main: str
    package: str
    jars: tuple[str, ...]

    @property
    def package_name(self) -> str:
        """The ZIP file's own name: what it is called in an executor's working folder."""
        return self.package.rpartition("/")[2]

    @property
    def spark(self) -> str:
        """The Spark that the jars are for, such as 4.2."""
        return next(filter(None, (_spark_of(jar.rpartition("/")[2]) for jar in self.jars)), "")


def jars_for(spark: str, home: Path, *, asks_google: bool = False) -> list[Path]:
    """The jars that Spark of a version, such as 4.0, lacks. They differ in the Kafka source, which goes with no other.

    Raises:
        SettingError: the Kafka source is not there.
    """
    from spark_jobs.driver.spark_session import jar_paths

    ours = (Path(path) for path in jar_paths(home, with_google=asks_google))
    others = sorted((home / "jars").glob("spark-*/*.jar"))
    jars = [jar for jar in (*others, *ours) if _spark_of(jar.name) in ("", spark)]
    if not any(_spark_of(jar.name) for jar in jars):
        raise SettingError(f"{home} has no jar with which Spark {spark} reads Kafka: run `make setup`.")
    return jars


def _spark_of(jar: str) -> str:
    """The Spark that a Kafka source is for; empty for another jar."""
    found = _KAFKA_SOURCE.fullmatch(jar)
    return found[1] if found else ""


def upload_code(home: Path, folder: str, spark: str, *, asks_google: bool = False) -> CodeFiles:
    """The files, uploaded where they are missing or old.

    Args:
        home: the folder of local state, with the jars that `make setup` put there.
        folder: a URI.
        spark: the version that Dataproc has.
        asks_google: whether brokers are Google's: their login has jars of its own. The connector to Cloud Storage is
            Dataproc's.

    Raises:
        SettingError: a jar is not there.
    """
    import spark_jobs
    from spark_jobs.driver.shipped_code import write_code

    jars = jars_for(spark, home, asks_google=asks_google)
    main = Path(spark_jobs.__path__[0]) / "handed_over.py"
    [main_uri, package_uri] = _uploaded([main, write_code(home / "run" / "code")], folder)
    return CodeFiles(main_uri, package_uri, tuple(_uploaded(jars, folder)))


def _uploaded(paths: Sequence[Path], folder: str) -> list[str]:
    from spark_jobs.file_systems import write_file

    uris = []
    for path in paths:
        content = path.read_bytes()
        uri = f"{folder}/{hashlib.sha256(content).hexdigest()[:16]}/{path.name}"
        if not _is_fresh(uri):
            write_file(uri, content)
        uris.append(uri)
    return uris


def _is_fresh(uri: str) -> bool:
    from spark_jobs.file_systems import place

    filesystem, path = place(uri)
    [found] = filesystem.get_file_info([path])
    return found.is_file and found.mtime is not None and datetime.now(UTC) - found.mtime < KEPT_FRESH
