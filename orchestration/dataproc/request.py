"""What Dataproc is asked to run, as plain data: a batch, or a job on a cluster.

Belongs here: arguments, Spark's properties, the two requests' bodies. Does not belong here: sending them (services),
files (code_files). Nothing in a request is secret: `settings` refuses what would be.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from orchestration.dataproc.code_files import CodeFiles
from orchestration.dataproc.settings import DataprocSettings, needs_files
from spark_jobs.settings import JobSettings

START_SECONDS = 300
"""How long Dataproc may take until the job begins."""
LEAST_TTL_SECONDS = 600
"""Dataproc takes no shorter one."""

_MAPPING, _CLIENT = "PAYMENTS_EVENT_MAPPING", "KAFKA_CLIENT_PROPERTIES"
OF_THE_JOB = (
    _CLIENT,
    "KAFKA_SECURITY_PROTOCOL",
    "KAFKA_SSL_CA_LOCATION",
    "KAFKA_SSL_CERTIFICATE_LOCATION",
    "KAFKA_SSL_KEY_LOCATION",
    "OPENLINEAGE_URL",
    "OPENLINEAGE_ENDPOINT",
    "OPENLINEAGE_NAMESPACE",
    "OPENLINEAGE_DISABLED",
)
OF_TASKS = ("SCHEMA_REGISTRY_URL", "SCHEMA_REGISTRY_USER", "SCHEMA_REGISTRY_CA_LOCATION")
"""Variables that the job reads beside its settings; and those that tasks read themselves, on executors.

A login at the brokers is in the file of KAFKA_CLIENT_PROPERTIES: by variables it would be a secret.
"""
_NOT_FOR_THERE = ("PAYMENTS_SPARK_CONF", "PAYMENTS_SPARK_DRIVER_HOST", "PAYMENTS_SPARK_BIND_ADDRESS")
"""Settings whose files or addresses are this machine's; what the first says is among the properties."""

_DECIDED_THERE = (
    "spark.jars",
    "spark.files",
    "spark.driver.bindAddress",
    "spark.driver.host",
    # Dataproc refuses what is said of its shuffle.
    "spark.shuffle.",
    # It brings a connector of its own, set up for its machines.
    "spark.hadoop.fs.",
)
_NOWHERE = Path("/nowhere")
"""Instead of the home folder: there are no jars and no class archive at Dataproc."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How long a run goes on, as `spark_jobs.process_payments.drain` takes it."""

    idle_seconds: int
    max_seconds: int
    batch_seconds: int

    @property
    def limit_seconds(self) -> int:
        """From the request to the end: the longest shift, after the longest wait for its turn."""
        return START_SECONDS + 2 * self.max_seconds


@dataclass(frozen=True, slots=True)
class Submission:
    """All that is handed over. `run_id` is Dagster's: whoever asks twice for one run means the same job."""

    run_id: str
    pipeline: str
    files: CodeFiles
    arguments: tuple[str, ...]
    properties: Mapping[str, str]
    limit_seconds: int

    @property
    def name(self) -> str:
        """The id at Dataproc, within the 63 characters that a batch may have."""
        return f"payments-{self.run_id}"

    def labels(self) -> dict[str, str]:
        """By which a bill and a list of jobs are searched."""
        return {"payments_pipeline": self.pipeline, "payments_run": self.run_id}


def submission_of(
    run_id: str, job: JobSettings, files: CodeFiles, shift: Shift, env: Mapping[str, str], properties: Mapping[str, str]
) -> Submission:
    """What is handed over for a run; `properties` are those of `spark_properties`."""
    variables = {name: env[name] for name in (*OF_THE_JOB, *OF_TASKS) if env.get(name)}
    # One with secrets, or that names files, lies at the same path there.
    sent = {_MAPPING: job.event_mapping, _CLIENT: "" if needs_files(env) else env.get(_CLIENT, "")}
    texts = {name: Path(path).expanduser().read_text(encoding="utf-8") for name, path in sent.items() if path}
    unsent = {*_NOT_FOR_THERE, *texts}
    settings = {name: value for name, value in (job.environment() | variables).items() if name not in unsent}
    given = [
        ("--idle-seconds", shift.idle_seconds),
        ("--max-seconds", shift.max_seconds),
        ("--batch-seconds", shift.batch_seconds),
        ("--spark", files.spark),
        ("--settings", json.dumps(settings, sort_keys=True)),
        *(("--file", f"{name}={text}") for name, text in texts.items()),
    ]
    for_tasks = {f"spark.executorEnv.{name}": variables[name] for name in OF_TASKS if name in variables}
    return Submission(
        run_id,
        job.pipeline,
        files,
        tuple(f"{name}={value}" for name, value in given),
        # Python's workers are forked from a module of ours, before a task tells them of any file.
        {**properties, **for_tasks, "spark.executorEnv.PYTHONPATH": files.package_name},
        shift.limit_seconds,
    )


def spark_properties(job: JobSettings) -> dict[str, str]:
    """The job's Spark configuration, without what is Dataproc's to decide. PAYMENTS_SPARK_CONF wins, as elsewhere."""
    from spark_jobs.driver.spark_session import LOCALITY_WAIT, conf_of, spark_conf

    theirs = conf_of(Path(job.spark_conf)) if job.spark_conf else {}
    ours = {name: value for name, value in spark_conf(job, _NOWHERE).items() if not name.startswith(_DECIDED_THERE)}
    # A second choice of a garbage collector would end the JVM at its start.
    options = [each for each in ours.pop("spark.driver.extraJavaOptions").split() if each.startswith("-D")]
    java = {"spark.driver.extraJavaOptions": " ".join(options)} if options else {}
    return {**ours, **java, "spark.locality.wait": LOCALITY_WAIT, **theirs}


def batch_body(dataproc: DataprocSettings, submission: Submission) -> dict[str, Any]:
    """A `google.cloud.dataproc.v1.Batch`. It ends by itself should nobody be left who waits for it."""
    execution = {
        "service_account": dataproc.account,
        "staging_bucket": dataproc.bucket,
        "ttl": timedelta(seconds=max(submission.limit_seconds, LEAST_TTL_SECONDS)),
        **({"subnetwork_uri": dataproc.subnetwork} if dataproc.subnetwork else {}),
    }
    return {
        "pyspark_batch": _pyspark(submission),
        "runtime_config": {
            "version": dataproc.runtime,
            "container_image": dataproc.image,
            "properties": dict(submission.properties),
        },
        "environment_config": {"execution_config": execution},
        "labels": submission.labels(),
    }


def job_body(dataproc: DataprocSettings, submission: Submission) -> dict[str, Any]:
    """A `google.cloud.dataproc.v1.Job`. It is started once: what follows a failed one is for the sensor to decide."""
    return {
        "reference": {"project_id": dataproc.project, "job_id": submission.name},
        "placement": {"cluster_name": dataproc.cluster},
        "pyspark_job": {**_pyspark(submission), "properties": dict(submission.properties)},
        "labels": submission.labels(),
    }


def _pyspark(submission: Submission) -> dict[str, Any]:
    """What the two have in common. `file_uris` go to the executors' working folders, `python_file_uris` on the path."""
    files = submission.files
    return {
        "main_python_file_uri": files.main,
        "python_file_uris": [files.package],
        "file_uris": [files.package],
        "jar_file_uris": list(files.jars),
        "args": list(submission.arguments),
    }
