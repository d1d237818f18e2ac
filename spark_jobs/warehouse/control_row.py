"""The control row in BigQuery: reading it, raising its epoch, naming a new generation.

Belongs here: the row's reads and writes but a batch's own, and whether the ledger is of the same moment. Does not
belong here: what the row means (publishing).
"""

import time
from typing import TYPE_CHECKING

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.publishing.control import Control, control_of
from spark_jobs.settings import JobSettings
from spark_jobs.source.offsets import offsets_to_json
from spark_jobs.tables.catalog import CONTROL, LEDGER
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


RAISE_PAUSES_SECONDS = (0.2, 1.0, 3.0)
"""How long to wait before the epoch is raised again, where the warehouse refused it."""


def read_control(client: "Client", settings: JobSettings, session_id: str | None = None) -> Control | None:
    """The pipeline's control row; None before its first run."""
    rows = run(
        client,
        f"select * from `{table_id(settings, CONTROL)}` where pipeline = @pipeline",
        {"pipeline": settings.pipeline},
        session_id=session_id,
    )
    return control_of(rows[0]) if rows else None


def raise_epoch(client: "Client", settings: JobSettings, *, holder: str, first: Control) -> Control:
    """Take over the pipeline: from here on every older run's publication fails.

    Args:
        client: the warehouse.
        settings: names the pipeline.
        holder: a name that no other run has.
        first: the row to start with where the pipeline has none.

    Raises:
        Incident: FENCED, where another run took over in the same moment; WAREHOUSE_FAILED, where the row was lost.
    """
    from google.api_core.exceptions import GoogleAPICallError

    merge = f"""
        merge `{table_id(settings, CONTROL)}` as control
        using (select @pipeline as pipeline) as wanted on control.pipeline = wanted.pipeline
        when matched then update set epoch = control.epoch + 1, holder = @holder, updated_at = current_timestamp()
        when not matched then
            insert (pipeline, topic, topic_id, epoch, holder, generation, last_batch_id, end_offsets, watermark,
                    updated_at, correction_count, replay_count, erasure_count, digest)
            values (@pipeline, @topic, @topic_id, 1, @holder, @generation, 0, @end_offsets, null, current_timestamp(),
                    0, 0, 0, @digest)
        """
    values = {
        "pipeline": settings.pipeline,
        "holder": holder,
        "topic": first.topic,
        "topic_id": first.topic_id,
        "generation": first.generation,
        "end_offsets": offsets_to_json(first.end_offsets),
        "digest": first.digest,
    }
    for pause in (*RAISE_PAUSES_SECONDS, None):
        try:
            run(client, merge, values)
            break
        except GoogleAPICallError:
            # What another run changes in the same moment is a conflict; an epoch raised twice does no harm.
            if pause is None:
                raise
            time.sleep(pause)
    control = read_control(client, settings)
    if control is None or control.holder != holder:
        raise Incident(IncidentKind.FENCED, "another run took over the pipeline; this one leaves it alone.")
    if not control.last_batch_id:
        _insist_on_a_beginning(client, settings)
    return control


def newest_in_ledger(client: "Client", settings: JobSettings) -> int | None:
    """The newest batch of the pipeline that the ledger has, which a control row that was not lost knows too."""
    ledger = f"select max(batch_id) as newest from `{table_id(settings, LEDGER)}` where pipeline = @pipeline"
    [found] = run(client, ledger, {"pipeline": settings.pipeline})
    newest: int | None = found["newest"]
    return newest


def _insist_on_a_beginning(client: "Client", settings: JobSettings) -> None:
    """A row without a batch is a pipeline's first, or the row was lost: the whole topic would be published again."""
    newest = newest_in_ledger(client, settings)
    if newest is None:
        return
    now = read_control(client, settings)
    # Another run may have taken over and published meanwhile.
    if now is None or not now.last_batch_id:
        raise Incident(
            IncidentKind.WAREHOUSE_FAILED,
            f"dataset {settings.dataset!r} has batches up to {newest}, and its control row has none: the row "
            "was lost. Nothing is published; restore all tables of one moment (docs/day-two.md).",
        )


def start_generation(client: "Client", settings: JobSettings, control: Control, generation: str) -> None:
    """Note that the pipeline goes on with a new checkpoint.

    Raises:
        Incident: FENCED, where the epoch is no longer ours.
    """
    run(
        client,
        f"""
        update `{table_id(settings, CONTROL)}` set generation = @generation, updated_at = current_timestamp()
        where pipeline = @pipeline and epoch = @epoch and generation = @old
        """,
        {
            "pipeline": settings.pipeline,
            "epoch": control.epoch,
            "generation": generation,
            "old": control.generation,
        },
    )
    now = read_control(client, settings)
    if now is None or now.generation != generation or now.epoch != control.epoch:
        raise Incident(IncidentKind.FENCED, "another run took over the pipeline; this one leaves it alone.")
