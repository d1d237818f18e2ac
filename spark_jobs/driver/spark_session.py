"""The Spark session's configuration, all of it in one place, each line with its why.

Belongs here: configuration and building a session. Does not belong here: the stream (process_payments).
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spark_jobs.driver.object_store import whole_files
from spark_jobs.driver.shipped_code import code_conf
from spark_jobs.driver.spark_version import checkpoint_package, spark_version
from spark_jobs.file_systems import STAND_IN
from spark_jobs.settings import JobSettings, SettingError, java_home
from spark_jobs.source.connection import read_connection, read_properties

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

KEPT_BATCHES = 20
"""Batches of state and logs that Spark keeps; dedup_state.RETIRED_BATCHES must be more."""
LOCALITY_WAIT = "2s"


def jar_paths(home: Path, *, with_delta: bool = False, with_google: bool = False, with_gcs: bool = False) -> list[str]:
    """The jars that pyspark lacks, as `make setup` put them below the home folder.

    Args:
        home: the folder.
        with_delta: also those with which Spark reads Delta tables. A session has them from its start or never: jars
            that are added later are unknown to the threads that fetch its tasks' results.
        with_google: also the handler that logs in to Google's Managed Service for Apache Kafka.
        with_gcs: also Google's connector, which keeps a checkpoint and reads Delta tables in Cloud Storage, and our
            class that writes the checkpoint's files there.
    """
    wanted = {"spark": True, "delta": with_delta, "google": with_google, "gcs": with_gcs}
    folders = [name for name, is_wanted in wanted.items() if is_wanted]
    jars = [path for folder in folders for path in sorted((home / "jars" / folder).glob("*.jar"))]
    ours = whole_files.jar_path(home, spark_version())
    return [str(path) for path in (*jars, *([ours] if with_gcs and ours.exists() else []))]


def archive_path(home: Path) -> Path:
    """Where class_archive puts its file."""
    return home / "jars" / "classes.jsa"


def spark_conf(settings: JobSettings, home: Path, *, with_delta: bool = False) -> dict[str, str]:
    """Configuration of a session for the streaming job. What a cluster decides (master, memory) stays overridable.

    Args:
        settings: of the job.
        home: the folder that `make setup` has filled.
        with_delta: see `jar_paths`.
    """
    is_remote = not settings.checkpoint_location.startswith("file:")
    uses_google = is_remote or (with_delta and settings.delta_location.startswith("gs:"))
    theirs = conf_of(Path(settings.spark_conf)) if settings.spark_conf else {}
    return {
        "spark.app.name": f"{settings.pipeline}: process_payments",
        "spark.jars": ",".join(
            jar_paths(home, with_delta=with_delta, with_google=read_connection().asks_google, with_gcs=uses_google)
        ),
        # Records cross it once, and on one machine from memory to memory.
        "spark.shuffle.compress": "false",
        "spark.sql.session.timeZone": "UTC",
        # Counting bytes costs Spark two microseconds a record. So few are never too large; the plan joins them.
        "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
        "spark.sql.execution.arrow.maxBytesPerBatch": str(2**31 - 1),
        "spark.sql.execution.pyspark.udf.faulthandler.enabled": "true",
        "spark.python.worker.reuse": "true",
        **{f"spark.executorEnv.{name}": value for name, value in _WORKER_MEMORY.items()},
        # Workers that have been idle for a minute end, and a new one would import half a second's worth of libraries.
        "spark.python.daemon.module": "spark_jobs.driver.worker_daemon",
        # By TCP (Spark 4.0 has no other), each side waits for the other's late acknowledgement: 20 ms a task and more.
        "spark.python.unix.domain.socket.enabled": "true",
        # Spark keeps idle consumers for minutes, with what they have fetched ahead: dozens of them would fill the heap.
        # Under traffic a run's next query, which goes on with them (source), comes sooner than they end.
        "spark.kafka.consumer.cache.timeout": "5s",
        "spark.kafka.consumer.cache.evictorThreadRunInterval": "2s",
        "spark.kafka.consumer.fetchedData.cache.timeout": "5s",
        "spark.kafka.consumer.fetchedData.cache.evictorThreadRunInterval": "2s",
        "spark.driver.extraJavaOptions": f"{DRIVER_JAVA_OPTIONS} {_mapped_classes(home)} {_token_urls()}".strip(),
        # A batch without records would tag nothing: the state knows no timers.
        "spark.sql.streaming.noDataMicroBatches.enabled": "false",
        "spark.sql.streaming.minBatchesToRetain": str(KEPT_BATCHES),
        "spark.sql.streaming.stopTimeout": "10s",
        "spark.sql.streaming.numRecentProgressUpdates": "10",
        # Reports and the ledger tell what the UI would; it would also show the Kafka options.
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.redaction.options.regex": "(?i)url|secret|password|token|jaas|key",
        "spark.redaction.regex": "(?i)secret|password|token|jaas|access[.]?key",
        # Where executors find the driver: on this machine only, unless the settings say otherwise.
        "spark.driver.bindAddress": settings.spark_bind_address,
        "spark.driver.host": settings.spark_driver_host,
        "spark.locality.wait": "0s",
        **(_google_files(home) if uses_google else {}),
        **({} if is_remote else _local_files()),
        **_elsewhere(theirs.get("spark.master", ""), home),
        **theirs,
    }


def _elsewhere(master: str, home: Path) -> dict[str, str]:
    """What executors on other machines need beside; nothing where they are this process."""
    if not master or master.startswith("local"):
        return {}
    return {
        # A bucket's state and copies of its segments are on the executor that had it last: that one is worth a wait.
        "spark.locality.wait": LOCALITY_WAIT,
        **code_conf(master, home),
    }


def conf_of(path: Path) -> dict[str, str]:
    """What a file of Spark's own form says, as spark-defaults.conf has it: a name and a value a line.

    Raises:
        SettingError: it cannot be read, or a line sets nothing of Spark's.
    """
    conf = read_properties(path, "PAYMENTS_SPARK_CONF", "it is no text in UTF-8")
    for name, value in conf.items():
        if not name.startswith("spark.") or not value:
            raise SettingError(f"PAYMENTS_SPARK_CONF: {path} has {name!r}; each line is spark.NAME and a value.")
    return conf


_WORKER_MEMORY = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
}
"""A Python worker needs the same memory for each batch: what it gave back in between it would get one fault a page
later, 8 % of its time. 32 MiB is the most that glibc takes for the first threshold."""


FILE_MANAGER = "spark.sql.streaming.checkpointFileManagerClass"


def _local_files() -> dict[str, str]:
    """How a checkpoint's files on disk are handled, without a process for each."""
    package = checkpoint_package(spark_version())
    return {
        # The default one starts a process, `readlink`, for each file that it renames: forty a batch.
        FILE_MANAGER: f"{package}.FileSystemBasedCheckpointFileManager",
        # The usual one starts a process, `chmod`, for each file that it makes and for the checksum beside it: a dozen a
        # batch. What a flipped bit would change is noticed without: state by its codec, offsets by the ledger.
        "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    }


_GOOGLE_FILES = {
    "spark.hadoop.fs.gs.impl": "com.google.cloud.hadoop.fs.gcs.GoogleHadoopFileSystem",
    "spark.hadoop.fs.AbstractFileSystem.gs.impl": "com.google.cloud.hadoop.fs.gcs.GoogleHadoopFS",
    # It reads these as numbers, and Hadoop 3.5 has defaults such as "64m".
    **{
        f"spark.hadoop.fs.gs.{name}": str(size << 20)
        for name, size in {
            "block.size": 64,
            "rewrite.max.chunk.size": 512,
            "outputstream.buffer.size": 8,
            "inputstream.inplace.seek.limit": 8,
            "inputstream.min.range.request.size": 2,
        }.items()
    },
    # Each file would be asked for before it is read, and each folder above it before it is written, for the sake of
    # those who use the bucket otherwise; and be begun by one request and ended by another.
    "spark.hadoop.fs.gs.inputstream.fast.fail.on.not.found.enable": "false",
    "spark.hadoop.fs.gs.create.items.conflict.check.enable": "false",
    "spark.hadoop.fs.gs.implicit.dir.repair.enable": "false",
    "spark.hadoop.fs.gs.outputstream.direct.upload.enable": "true",
    # A query reads a bucket's newest snapshot, and each delta since: one request after the other.
    "spark.sql.streaming.stateStore.minDeltasForSnapshot": "2",
    "spark.sql.streaming.stateStore.maintenanceInterval": "10s",
}


def _google_files(home: Path) -> dict[str, str]:
    """How Google's connector is set up; where a stand-in is named, it is asked, by executors as well."""
    is_compiled = whole_files.jar_path(home, spark_version()).exists()
    conf = _GOOGLE_FILES | ({FILE_MANAGER: whole_files.CLASS_NAME} if is_compiled else {})
    stand_in = os.environ.get(STAND_IN)
    if not stand_in:
        return conf
    return conf | {
        f"spark.executorEnv.{STAND_IN}": stand_in,
        "spark.hadoop.fs.gs.storage.root.url": stand_in,
        "spark.hadoop.fs.gs.auth.type": "UNAUTHENTICATED",
        "spark.hadoop.fs.gs.auth.null.enable": "true",
        "spark.hadoop.fs.gs.auth.service.account.enable": "false",
        "spark.hadoop.fs.gs.project.id": "stand-in",
    }


DRIVER_JAVA_OPTIONS = "-XX:+UseParallelGC -XX:TieredStopAtLevel=1"
"""Packed records are large arrays, which G1 handles dearly; and the compiler that optimizes most costs a run of minutes
more than it gives back. spark-submit wants them as --driver-java-options: its JVM runs before any of this is read."""


def _token_urls() -> str:
    """Kafka's client asks for tokens only at addresses that this property names."""
    endpoint = read_connection().token_endpoint
    return f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={endpoint}" if endpoint else ""


def _mapped_classes(home: Path) -> str:
    archive = archive_path(home)
    # Where it does not fit the JVM says so, and goes on: it is not worth a word in every log.
    return f'"-XX:SharedArchiveFile={archive}" -Xlog:cds*=off' if archive.exists() else ""


def build_session(
    settings: JobSettings, home: Path, java_options: str = "", *, with_delta: bool = False
) -> "SparkSession":
    """A session of this process, for spark-submit and tests; Dagster builds its own from `spark_conf`.

    Arguments are those of `spark_conf`; `java_options` are given to the driver's JVM beside its own.
    """
    from pyspark.sql import SparkSession

    use_our_runtimes(home)
    conf = spark_conf(settings, home, with_delta=with_delta)
    conf["spark.driver.extraJavaOptions"] = f"{conf['spark.driver.extraJavaOptions']} {java_options}".strip()
    builder = SparkSession.builder
    for key, value in conf.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


@contextmanager
def interpreted(spark: "SparkSession") -> Iterator[None]:
    """Queries that start within it run without generated code, however long they go on."""
    before = {name: spark.conf.get(name) for name in _INTERPRETED}
    _configure(spark, _INTERPRETED)
    try:
        yield
    finally:
        _configure(spark, before)


def _configure(spark: "SparkSession", conf: Mapping[str, Any]) -> None:
    for name, value in conf.items():
        spark.conf.set(name, value)


_INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


def use_our_runtimes(home: Path) -> None:
    """Have Spark's workers run the interpreter that runs the driver: another one would lack our packages.

    And have the driver's JVM be of the Java that `make setup` found or put into `home`: pyspark asks JAVA_HOME.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if java := java_home(home):
        os.environ["JAVA_HOME"] = java
