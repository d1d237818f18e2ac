"""The broker's offsets as an asset: what the published offsets are held against.

Belongs here: the asset and its load. Does not belong here: what Spark publishes (streaming).
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import names
from orchestration.resources.broker import BrokerReader
from orchestration.settings import StackSettings
from spark_jobs.settings import JobSettings
from spark_jobs.source.topic import TopicState
from spark_jobs.tables import catalog
from spark_jobs.warehouse.job_labels import Work
from spark_jobs.warehouse.loads import load_rows

if TYPE_CHECKING:
    from google.cloud import bigquery


@dg.asset(
    key=names.KAFKA_OFFSETS,
    deps=[names.PAYMENT_EVENTS],
    description=catalog.KAFKA_OFFSETS.description,
    group_name="kafka",
    kinds={"kafka", "bigquery"},
    owners=names.OWNERS,
)
def kafka_offsets(
    settings: dg.ResourceParam[StackSettings],
    broker: dg.ResourceParam[BrokerReader],
    bigquery: dg.ResourceParam[Any],
) -> dg.MaterializeResult[None]:
    """Ask the broker, and replace the table with its answer."""
    offsets = broker.read()
    with bigquery.get_client(Work.BUILD) as client:
        replace_kafka_offsets(client, settings.job, offsets)
    return dg.MaterializeResult(
        metadata={"partitions": len(offsets.latest), "records_ever_written": sum(offsets.latest.values())}
    )


def replace_kafka_offsets(client: "bigquery.Client", settings: JobSettings, state: TopicState) -> None:
    """Replace the whole table with what the broker said just now."""
    observed_at = datetime.now(UTC).isoformat()
    rows = [
        {
            "topic": state.topic,
            "kafka_partition": partition,
            "earliest_offset": state.earliest[partition],
            "latest_offset": state.latest[partition],
            "observed_at": observed_at,
        }
        for partition in sorted(state.latest)
    ]
    load_rows(client, settings, catalog.KAFKA_OFFSETS, rows, replace=True)
