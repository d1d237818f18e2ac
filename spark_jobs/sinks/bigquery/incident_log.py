"""Incidents that stopped a run, on record in the warehouse.

Belongs here: writing one down. Does not belong here: noticing one.
"""

import uuid
from typing import TYPE_CHECKING

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import JobSettings
from spark_jobs.source.offsets import _structs
from spark_jobs.tables.catalog import INCIDENTS
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.retries import failures

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


def record_incident(client: "Client", settings: JobSettings, incident: Incident, epoch: int | None) -> None:
    """Write an incident down, if the warehouse takes it: what stopped the run is never hidden by this."""
    if incident.kind is IncidentKind.WAREHOUSE_FAILED:
        return
    # -1 and 0 stand for NULL: an array of structs must have a row to have a type.
    values = {
        "incident_id": uuid.uuid4().hex,
        "pipeline": settings.pipeline,
        "kind": str(incident.kind),
        "detail": str(incident),
        "topic": settings.topic,
        "epoch": epoch or 0,
        "ranges": _structs(incident.ranges or {-1: (-1, -1)}),
    }
    sql = f"""
        insert into `{table_id(settings, INCIDENTS)}` (incident_id, pipeline, kind, detail, topic, kafka_partition,
            start_offset, end_offset, epoch, occurred_at)
        select @incident_id, @pipeline, @kind, @detail, @topic, nullif(r.kafka_partition, -1),
            nullif(r.start_offset, -1), nullif(r.end_offset, -1), nullif(@epoch, 0), current_timestamp()
        from unnest(@ranges) as r
        """
    try:
        run(client, sql, values)
    except failures() as error:
        incident.add_note(f"It could not be recorded in {INCIDENTS.name}: {error}")
