"""What went wrong beyond mending, on record: incidents that stopped a run, and losses that somebody has accepted.

Belongs here: writing both down. Does not belong here: noticing them (source.py, publishing.py).
"""

import uuid
from typing import TYPE_CHECKING

from spark_jobs.driver.generations import new_name
from spark_jobs.incidents import Incident, Kind
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.bigquery.publisher import run_to_its_end
from spark_jobs.tables.catalog import ACCEPTED_GAPS, CONTROL, INCIDENTS
from spark_jobs.warehouse.client import Control, offsets_to_json, read_control, run, table_id
from spark_jobs.warehouse.retries import failures, failures_as_incidents

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

type Ranges = dict[int, tuple[int, int]]
"""First offset and the one after the last, by partition."""


def record_incident(client: "Client", settings: JobSettings, incident: Incident, epoch: int | None) -> None:
    """Write an incident down, if the warehouse takes it: what stopped the run is never hidden by this."""
    if incident.kind is Kind.WAREHOUSE_FAILED:
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


def accept_gap(
    client: "Client", settings: JobSettings, control: Control, lost: Ranges, *, accepted_by: str, reason: str
) -> None:
    """Go on behind lost offsets: the loss and the new start in one transaction, under a raised epoch.

    The checkpoint may have planned to read what is lost: the pipeline goes on with a new one.

    Raises:
        Incident: FENCED, where the control row is no longer `control`.
    """
    generation = new_name()
    values = {
        "pipeline": control.pipeline,
        "topic": control.topic,
        "epoch": control.epoch,
        "holder": f"accept-gap{uuid.uuid4().hex[:12]}",
        "generation": generation,
        "old_offsets": offsets_to_json(control.end_offsets),
        "new_offsets": offsets_to_json(control.end_offsets | {p: end for p, (_, end) in lost.items()}),
        "accepted_by": accepted_by,
        "reason": reason,
        "ranges": _structs(lost),
    }
    sql = f"""
    begin transaction;
    update `{table_id(settings, CONTROL)}`
        set end_offsets = @new_offsets, epoch = epoch + 1, holder = @holder, generation = @generation,
            updated_at = current_timestamp()
        where pipeline = @pipeline and epoch = @epoch and end_offsets = @old_offsets;
    assert @@row_count = 1 as 'the epoch or the offsets have moved on';
    insert into `{table_id(settings, ACCEPTED_GAPS)}` (pipeline, topic, kafka_partition, start_offset, end_offset,
            accepted_by, reason, accepted_at)
        select @pipeline, @topic, r.kafka_partition, r.start_offset, r.end_offset, @accepted_by, @reason,
            current_timestamp()
        from unnest(@ranges) as r;
    commit transaction;
    """
    with failures_as_incidents():
        answer = run_to_its_end(client, sql, values, f"{control.pipeline}_accept_{generation}")
        now = read_control(client, settings)
    if now is None or now.generation != generation:
        said = f" ({answer})" if isinstance(answer, Exception) else ""
        raise Incident(Kind.FENCED, f"a run moved the pipeline on in the meantime; look again.{said}")


def _structs(ranges: Ranges) -> list[dict[str, int]]:
    return [
        {"kafka_partition": partition, "start_offset": start, "end_offset": end}
        for partition, (start, end) in sorted(ranges.items())
    ]
