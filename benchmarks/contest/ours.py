"""The streaming job as a contender: the same `Run` that production has, in a process of its own, told when to end.

Belongs here: what a run of a peer is for it. Does not belong here: measuring. Where the warehouse is,
and how the job is set, comes from the environment, as ever.
"""

import time
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from benchmarks.peers.protocol import Job, main
from spark_jobs.driver.run import Run
from spark_jobs.driver.spark_session import build_session
from spark_jobs.process_payments import POLL_SECONDS
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.settings import JobSettings, payments_home, read_job_settings
from spark_jobs.warehouse.client import connect
from spark_jobs.warehouse.table_setup import ensure_tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LACKS = "nothing: it is the measure"


@cache
def session() -> "SparkSession":
    """One for both topics, as a warm run has."""
    return build_session(read_job_settings(), payments_home())


def settings_of(given: JobSettings, topic: str) -> JobSettings:
    """Settings for a topic: it has a dataset of its own where it is another than was given."""
    if topic == given.topic:
        return given
    return replace(given, topic=topic, dataset=f"{given.dataset}_{topic.replace('-', '_')}")


def drain(job: Job) -> dict[str, int]:
    """Publish every record of the topic."""
    given = read_job_settings()
    settings = replace(
        settings_of(given, job.topic), checkpoint_location=job.state.as_uri(), staging_location=job.output.as_uri()
    )
    if job.topic != given.topic:
        # A service has its tables long before its records: making them is part of the cold start.
        with connect(given) as client:
            ensure_tables(client, given)
    reports: list[BatchReport] = []
    with Run(session(), settings, reports.append) as run:
        while (had_any := run.drain_once(float("inf"))) or job.is_endless:
            if not had_any:
                time.sleep(POLL_SECONDS)
    if not reports:
        return {}
    return {"state_bytes": reports[-1].state_bytes, "state_keys": reports[-1].state_keys}


if __name__ == "__main__":
    main(drain, LACKS)
