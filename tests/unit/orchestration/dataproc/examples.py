"""An environment that asks for Dataproc, and what is handed over from it. Belongs here: examples, no assertions."""

from collections.abc import Mapping

from orchestration.dataproc.code_files import CodeFiles
from orchestration.dataproc.request import Shift, Submission, spark_properties, submission_of
from orchestration.dataproc.settings import DataprocSettings, read_dataproc
from spark_jobs.settings import read_job_settings

ELSEWHERE = {
    "BIGQUERY_PROJECT": "acme-payments",
    "BIGQUERY_LOCATION": "EU",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka-1:9092",
    "CHECKPOINT_LOCATION": "gs://acme-checkpoints/checkpoints",
    "STAGING_LOCATION": "gs://acme-staging/staging",
    "PAYMENTS_TURN": "lease",
}
"""Settings of a job whose machines share nothing with this one."""

SERVERLESS = ELSEWHERE | {
    "PAYMENTS_PROCESSOR": "dataproc-serverless",
    "PAYMENTS_DATAPROC_REGION": "europe-west3",
    "PAYMENTS_DATAPROC_IMAGE": "europe-west3-docker.pkg.dev/acme-payments/payments/dataproc:1.0",
    "PAYMENTS_DATAPROC_ACCOUNT": "payments-stream@acme-payments.iam.gserviceaccount.com",
    "PAYMENTS_DATAPROC_SUBNETWORK": "payments",
}
CLUSTER = ELSEWHERE | {
    "PAYMENTS_PROCESSOR": "dataproc",
    "PAYMENTS_DATAPROC_REGION": "europe-west3",
    "PAYMENTS_DATAPROC_CLUSTER": "payments",
}
RUN = "0b6f1d2a-6a5c-4c9e-9b0a-1f2e3d4c5b6a"
FOLDER = "gs://acme-staging/payments-code"
FILES = CodeFiles(
    f"{FOLDER}/1/handed_over.py", f"{FOLDER}/2/spark_jobs-2.zip", (f"{FOLDER}/3/spark-sql-kafka-0-10_2.13-4.0.1.jar",)
)


def dataproc_of(env: Mapping[str, str]) -> DataprocSettings:
    found = read_dataproc(env, read_job_settings(env))
    assert found
    return found


def handed_over(env: Mapping[str, str], shift: Shift = Shift(20, 600, 0)) -> Submission:  # noqa: B008 - it is frozen
    job = read_job_settings(env)
    return submission_of(RUN, job, FILES, shift, env, spark_properties(job))
