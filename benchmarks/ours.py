"""The streaming job as a contender: the same `Run` that production has, in a process of its own, told when to end.

Belongs here: what benchmarks/peers/*/run.py are for the peers. Does not belong here: measuring. Where the warehouse is,
and how the job is set, comes from the environment, as ever.
"""

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from benchmarks.peers.protocol import Job, main
from spark_jobs.report import BatchReport
from spark_jobs.run import Run
from spark_jobs.session import build_session
from spark_jobs.settings import payments_home, read_job_settings
from spark_jobs.warehouse import connect, ensure_tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LACKS = "nothing: it is the measure"


@cache
def session() -> "SparkSession":
    """One for both topics, as a warm run has."""
    return build_session(read_job_settings(), payments_home())


def drain(job: Job) -> dict[str, int]:
    """Publish every record of the topic, into a dataset of its own where the topic is only for warming up."""
    given = read_job_settings()
    is_warm_up = job.topic != given.topic
    settings = replace(
        given,
        topic=job.topic,
        dataset=f"{given.dataset}_warm" if is_warm_up else given.dataset,
        checkpoint_location=job.state.as_uri(),
        staging_location=job.output.as_uri(),
    )
    if is_warm_up:
        # A service has its tables long before its records: making them is part of the cold start.
        with connect(given) as client:
            ensure_tables(client, given)
    reports: list[BatchReport] = []
    with Run(session(), settings, reports.append) as run:
        while run.drain_once(float("inf")):
            pass
    if not reports:
        return {}
    return {"state_bytes": reports[-1].state_bytes, "state_keys": reports[-1].state_keys}


if __name__ == "__main__":
    main(drain, LACKS)
