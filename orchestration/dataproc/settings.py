"""Where at Dataproc the job runs, read from the environment; and what cannot be run there, each in one line.

Belongs here: names, validity, refusals. Does not belong here: what of the settings is sent along (request).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spark_jobs.settings import BY_LEASE, JobSettings, SettingError
from spark_jobs.source.connection import read_connection

PROCESSOR = "PAYMENTS_PROCESSOR"
ON_A_CLUSTER, SERVERLESS = KINDS = ("dataproc", "dataproc-serverless")
SPARKS = ("4.0", "4.2")
"""The versions of Spark for which there are jars."""
DEFAULT_SPARK = SPARKS[0]
RUNTIMES = {"4.0": "3.0"}
"""The runtime of Dataproc Serverless that has a Spark; none has 4.2."""

KAFKA_SECRETS = ("KAFKA_SASL_PASSWORD", "KAFKA_OAUTH_CLIENT_SECRET", "KAFKA_SSL_KEY_PASSWORD")
OTHER_SECRETS = ("SCHEMA_REGISTRY_PASSWORD", "SCHEMA_REGISTRY_TOKEN", "OPENLINEAGE_API_KEY")
"""Variables of the job that are secrets: whoever may look at a job at Dataproc reads its request."""

_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]")
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_CLUSTER = re.compile(r"[a-z]([a-z0-9-]{0,52}[a-z0-9])?")
_IMAGE = re.compile(r"[a-z0-9.-]+/[a-z0-9._/-]+(:[\w.-]+|@sha256:[0-9a-f]{64})")
_RUNTIME = re.compile(r"[0-9]+\.[0-9]+")
_ACCOUNT = re.compile(r"[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com")
_SUBNETWORK = re.compile(r"[a-z0-9/._-]+")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class DataprocSettings:
    """Where the job runs: on `cluster`, or, where that is empty, serverless in `image` on the runtime `runtime`.

    `account` is the service account of a serverless batch; a cluster has its own. `subnetwork` is empty for the
    region's default one. The job's code goes to `bucket`, with the jars for `spark`.
    """

    project: str
    region: str
    bucket: str
    cluster: str = ""
    image: str = ""
    runtime: str = ""
    account: str = ""
    subnetwork: str = ""
    spark: str = DEFAULT_SPARK


def read_dataproc(env: Mapping[str, str], job: JobSettings) -> DataprocSettings | None:
    """What PAYMENTS_PROCESSOR asks for; None where Spark is not at Dataproc.

    Raises:
        SettingError: naming the variable that is missing, wrong, or cannot be with Dataproc.
    """
    kind = env.get(PROCESSOR) or ""
    if kind not in KINDS:
        return None
    for problem in _problems(env, job, kind):
        raise SettingError(problem)
    spark = env.get("PAYMENTS_DATAPROC_SPARK") or DEFAULT_SPARK
    if spark not in SPARKS:
        raise SettingError(f"PAYMENTS_DATAPROC_SPARK must be one of {', '.join(SPARKS)}, not {spark!r}.")
    common = {
        "spark": spark,
        "project": _matching(env, "PAYMENTS_DATAPROC_PROJECT", _PROJECT, job.project),
        "region": _matching(env, "PAYMENTS_DATAPROC_REGION", _REGION),
        "bucket": _matching(env, "PAYMENTS_DATAPROC_BUCKET", _BUCKET, _bucket_of(job.staging_location)),
    }
    if kind == ON_A_CLUSTER:
        return DataprocSettings(**common, cluster=_matching(env, "PAYMENTS_DATAPROC_CLUSTER", _CLUSTER))
    return DataprocSettings(
        **common,
        image=_matching(env, "PAYMENTS_DATAPROC_IMAGE", _IMAGE),
        runtime=_matching(env, "PAYMENTS_DATAPROC_RUNTIME", _RUNTIME, RUNTIMES.get(spark)),
        account=_matching(env, "PAYMENTS_DATAPROC_ACCOUNT", _ACCOUNT),
        subnetwork=_matching(env, "PAYMENTS_DATAPROC_SUBNETWORK", _SUBNETWORK, ""),
    )


def _problems(env: Mapping[str, str], job: JobSettings, kind: str) -> Iterator[str]:
    """Why the job cannot be run at Dataproc: its machines share nothing with this one."""
    at = f"{PROCESSOR} is {kind}, and"
    if job.emulator_host:
        yield f"{at} the warehouse is the local one, which Dataproc cannot reach: set BIGQUERY_PROJECT to yours."
    if job.turn != BY_LEASE:
        yield f"{at} PAYMENTS_TURN is {job.turn}, which holds on one machine only: set PAYMENTS_TURN=lease."
    for name, uri in (("CHECKPOINT_LOCATION", job.checkpoint_location), ("STAGING_LOCATION", job.staging_location)):
        if not uri.startswith("gs://"):
            yield f"{at} {name} is a folder of this machine: set it to a gs:// folder."
    if job.has_delta:
        yield f"{at} SINKS has delta, whose checks need a Spark session of Dagster's own: leave delta out."
    for name in (*KAFKA_SECRETS, *OTHER_SECRETS):
        if env.get(name):
            yield f"{at} {name} is set, a secret, which whoever sees the job at Dataproc would read: {_instead(name)}."
    if kind == SERVERLESS and needs_files(env):
        yield (
            f"{at} the connection to Kafka has a secret or names files, for which a container has no place: set "
            f"{PROCESSOR}={ON_A_CLUSTER}, with the files at the same path on every node, or run the processor in a pod."
        )
    if job.spark_conf:
        from spark_jobs.driver.spark_session import conf_of

        if "spark.master" in conf_of(Path(job.spark_conf)):
            yield f"{at} PAYMENTS_SPARK_CONF names a spark.master, which Dataproc decides: take that line out."
    others = ("IMAGE", "RUNTIME", "ACCOUNT", "SUBNETWORK") if kind == ON_A_CLUSTER else ("CLUSTER",)
    for name in (f"PAYMENTS_DATAPROC_{other}" for other in others):
        if env.get(name):
            yield f"{at} {name} is set, which is of the other kind: unset it, or set {PROCESSOR}={_other(kind)}."


def needs_files(env: Mapping[str, str]) -> bool:
    """Whether clients of Kafka read files by themselves, wherever they are: a secret's, or authorities'."""
    told = read_connection(env).java()
    return any("${payments-" in value or name.endswith(".location") for name, value in told.items())


def _instead(name: str) -> str:
    if name in KAFKA_SECRETS:
        return "put it into a file that KAFKA_CLIENT_PROPERTIES names, at the same path on every node"
    return f"run the processor in a pod ({PROCESSOR}=outside)"


def _other(kind: str) -> str:
    return SERVERLESS if kind == ON_A_CLUSTER else ON_A_CLUSTER


def _bucket_of(uri: str) -> str:
    return uri.removeprefix("gs://").partition("/")[0]


def _matching(env: Mapping[str, str], name: str, pattern: re.Pattern[str], default: str | None = None) -> str:
    value = env.get(name)
    if not value and default is not None:
        return default
    if not value:
        raise SettingError(f"{PROCESSOR} is {env[PROCESSOR]}, and {name} is not set.")
    if not pattern.fullmatch(value):
        raise SettingError(f"{name} is {value!r}, which does not match {pattern.pattern}.")
    return value
