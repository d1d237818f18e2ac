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
        """The Spark that the jars are for, such as 4.2: that of the Kafka source, which goes with no other."""
        found = (_KAFKA_SOURCE.fullmatch(jar.rpartition("/")[2]) for jar in self.jars)
        return next((match[1] for match in found if match), "")


def upload_code(home: Path, folder: str, *, asks_google: bool = False) -> CodeFiles:
    """The files, uploaded where they are missing or old.

    Args:
        home: the folder of local state, with the jars that `make setup` put there.
        folder: a URI.
        asks_google: whether brokers are Google's: their login has jars of its own. The connector to Cloud Storage is
            Dataproc's.

    Raises:
        SettingError: the jars are not there.
    """
    import spark_jobs
    from spark_jobs.driver.shipped_code import write_code
    from spark_jobs.driver.spark_session import jar_paths

    jars = [Path(path) for path in jar_paths(home, with_google=asks_google)]
    if not jars:
        raise SettingError(f"{home} has no jars, which Spark needs to read Kafka: run `make setup`.")
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
