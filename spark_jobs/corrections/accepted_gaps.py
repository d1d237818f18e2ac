"""What went wrong beyond mending, on record: incidents that stopped a run, and losses that somebody has accepted.

Belongs here: writing both down. Does not belong here: noticing them (source, sinks.bigquery).
"""

import uuid
from typing import TYPE_CHECKING

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.publishing.control import Control, new_name
from spark_jobs.settings import JobSettings
from spark_jobs.source.offsets import Ranges, _structs, offsets_to_json
from spark_jobs.tables.catalog import ACCEPTED_GAPS, CONTROL
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.control_row import read_control
from spark_jobs.warehouse.retries import failures_as_incidents
from spark_jobs.warehouse.transactions import run_to_its_end

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


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
        message = f" ({answer})" if isinstance(answer, Exception) else ""
        raise Incident(IncidentKind.FENCED, f"a run moved the pipeline on in the meantime; look again.{message}")
