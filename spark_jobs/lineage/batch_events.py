"""A published batch as OpenLineage tells it: from the topic, by offsets, into the warehouse's tables, by rows.

Belongs here: its two events. Does not belong here: sending them (sender).
"""

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.settings import JobSettings
from spark_jobs.source.offsets import offsets_to_json
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id

if TYPE_CHECKING:
    from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent

PRODUCER = "urn:exactly-once-payments"
"""Who says so: a URI, as the standard wants it."""
WAREHOUSE = "bigquery"
"""The namespace of the warehouse's tables, as the standard names it."""
_RUNS = uuid.UUID("6f1d1f4e-6f0e-5c0a-9a55-0d3c3b0c7a11")


def batch_events(settings: JobSettings, namespace: str, report: BatchReport) -> "list[RunEvent]":
    """That the batch began, and that it is published. The same batch has the same run's id, whoever tells of it."""
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import job_type_job

    place = f"{settings.project}.{settings.dataset}"
    run = Run(
        str(uuid.uuid5(_RUNS, f"{place}/{settings.pipeline}/{report.batch_id}/{report.published_at.isoformat()}"))
    )
    kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="SPARK", jobType="JOB", producer=PRODUCER)
    job = Job(namespace, f"{settings.pipeline}.publish_batch", {"jobType": kind})
    began = report.published_at - timedelta(seconds=report.batch_seconds)
    inputs, outputs = [_topic(settings, report)], _tables(settings, report)
    return [
        RunEvent(
            eventTime=moment.isoformat(),
            eventType=state,
            run=run,
            job=job,
            inputs=inputs,
            outputs=outputs,
            producer=PRODUCER,
        )
        for state, moment in ((RunState.START, began), (RunState.COMPLETE, report.published_at))
    ]


def _topic(settings: JobSettings, report: BatchReport) -> "InputDataset":
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.facet_v2 import base_subset_dataset, input_statistics_input_dataset

    read = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(rowCount=report.delivered, producer=PRODUCER)
    # The standard's own way to say which part of a dataset was read: here, the offsets.
    start, end = offsets_to_json(report.start_offsets), offsets_to_json(report.end_offsets)
    locations = base_subset_dataset.LocationSubsetCondition([f"offsets {start} up to {end}"])
    part = base_subset_dataset.InputSubsetInputDatasetFacet(inputCondition=locations, producer=PRODUCER)
    first_server = settings.bootstrap_servers.split(",")[0]
    return InputDataset(
        f"kafka://{first_server}", settings.topic, inputFacets={"inputStatistics": read, "subset": part}
    )


def _tables(settings: JobSettings, report: BatchReport) -> "list[OutputDataset]":
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import output_statistics_output_dataset

    written = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet
    rows = {catalog.DELIVERIES: report.delivered, catalog.TRANSACTIONS: report.unique, catalog.LEDGER: 1}
    return [
        OutputDataset(
            WAREHOUSE,
            table_id(settings, table),
            outputFacets={"outputStatistics": written(rowCount=count, producer=PRODUCER)},
        )
        for table, count in rows.items()
    ]
