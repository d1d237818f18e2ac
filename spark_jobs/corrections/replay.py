"""Quarantined and ignored records, sent to the topic again after a mending of contract or mapping: once each.

Belongs here: which records may be replayed, the request that is written before one is sent, and finding out what became
of one whose answer was lost. Does not belong here: Kafka (resend), printing (orchestration.cli.decisions).
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from spark_jobs.contract.payment_event import ERASED, Disposition
from spark_jobs.corrections.kept_records import HAS_ITS_VALUE, Selection
from spark_jobs.corrections.resend import place_of
from spark_jobs.incidents import Incident, IncidentKind, one_line
from spark_jobs.reading.contracts import contract_in_use
from spark_jobs.reading.rereading import reread
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import REPLAY_HASH
from spark_jobs.tables.names import table_id
from spark_jobs.tables.row_types import Place, Row
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.control_row import read_control
from spark_jobs.warehouse.retries import failures_as_incidents
from spark_jobs.warehouse.transactions import run_to_its_end

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

SETTLED_AFTER = timedelta(minutes=3)
"""A request older than this has no producer any more that could still send for it: its delivery timeout is over."""
MAX_AT_ONCE = 1_000


def candidates(
    client: "Client", settings: JobSettings, selection: Selection, disposition: Disposition = Disposition.QUARANTINED
) -> list[Row]:
    """Quarantined or ignored records of the selection that were never replayed: whole rows, oldest first.

    What has no value any more cannot be sent: it has expired.
    """
    conditions, values = selection.conditions()
    sql = f"""
        select d.* from `{table_id(settings, catalog.DELIVERIES)}` as d
        left join `{table_id(settings, catalog.REPLAYS)}` as r
            on d.topic = r.topic and d.kafka_partition = r.kafka_partition and d.kafka_offset = r.kafka_offset
        where d.disposition = @disposition and r.topic is null and d.topic = @topic and {conditions}
            and {HAS_ITS_VALUE}
        order by d.kafka_timestamp, d.kafka_partition, d.kafka_offset
        limit @most
        """
    return run(client, sql, values | {"topic": settings.topic, "disposition": str(disposition)})


def forecast(
    client: "Client", settings: JobSettings, rows: Sequence[Row], now: datetime
) -> list[tuple[Disposition, Row]]:
    """What would become of each record if it were sent now, and what the contract of now reads in it."""
    control = read_control(client, settings)
    again = reread(rows, contract_in_use(settings), now)
    ids = [{"id": row["transaction_id"]} for row in again if not row["reasons"]]
    known: set[str] = set()
    if ids:
        sql = f"""
            select distinct t.transaction_id from `{table_id(settings, catalog.TRANSACTIONS)}` as t
            inner join unnest(@ids) as asked on t.transaction_id = asked.id
            """
        known = {row["transaction_id"] for row in run(client, sql, {"ids": ids})}
    watermark = control.watermark if control else None
    found: list[tuple[Disposition, Row]] = []
    for row in again:
        if row["reasons"]:
            found.append((Disposition.IGNORED if row["is_ignored"] else Disposition.QUARANTINED, row))
            continue
        is_late = watermark is not None and row["event_time"] < watermark
        unknown = Disposition.LATE if is_late else Disposition.UNIQUE
        found.append((Disposition.DUPLICATE if row["transaction_id"] in known else unknown, row))
        known.add(row["transaction_id"])
    return found


def request(
    client: "Client",
    settings: JobSettings,
    rows: Sequence[Row],
    ends: Mapping[int, int],
    *,
    requested_by: str,
    reason: str,
) -> None:
    """Write down that these records are about to be sent, before any is: all of them, each for the first time.

    Args:
        client: the warehouse.
        settings: names the pipeline.
        rows: at most MAX_AT_ONCE of `candidates`.
        ends: the topic's end by partition, as it is before they are sent.
        requested_by: who asks.
        reason: why.

    Raises:
        Incident: a record was replayed in the meantime, or the warehouse refused.
    """
    with failures_as_incidents():
        control = run(
            client,
            f"select replay_count from `{table_id(settings, catalog.CONTROL)}` where pipeline = @pipeline",
            {"pipeline": settings.pipeline},
        )
        values = {
            "pipeline": settings.pipeline,
            "topic": settings.topic,
            "replay_count": control[0]["replay_count"],
            "requested": len(rows),
            "requested_by": requested_by,
            "reason": reason,
            "records": [
                {
                    "kafka_partition": row["kafka_partition"],
                    "kafka_offset": row["kafka_offset"],
                    "sent_from_offset": ends[row["kafka_partition"]],
                }
                for row in rows
            ],
        }
        token = uuid.uuid4().hex[:12]
        answer = run_to_its_end(client, request_sql(settings), values, f"{settings.pipeline}_replay_{token}")
        written = {place_of(row) for row in open_requests(client, settings)}
    if not {place_of(row) for row in rows} <= written:
        message = f": {one_line(answer)}" if isinstance(answer, Exception) else ""
        raise Incident(
            IncidentKind.WAREHOUSE_FAILED, f"the replay could not be written down, and nothing was sent{message}"
        )


def request_sql(settings: JobSettings) -> str:
    """The transaction: every request, or none."""
    columns = [c.name for c in catalog.REPLAYS.columns if c.name not in ("new_offset", "replayed_at", "replay_hash")]
    replays = f"`{table_id(settings, catalog.REPLAYS)}`"
    return f"""
    begin transaction;
    update `{table_id(settings, catalog.CONTROL)}`
        set replay_count = replay_count + @requested, updated_at = current_timestamp()
        where pipeline = @pipeline and replay_count = @replay_count;
    assert @@row_count = 1 as 'another replay was requested in the meantime';
    insert into {replays} ({", ".join(columns)}, replay_hash)
        select {", ".join(columns)}, {REPLAY_HASH}
        from (
            select @replay_count + row_number() over (order by d.kafka_partition, d.kafka_offset) as replay_id,
                d.topic, d.kafka_partition, d.kafka_offset, d.kafka_partition as new_partition, a.sent_from_offset,
                d.value_sha256, @requested_by as requested_by, @reason as reason, current_timestamp() as requested_at
            from `{table_id(settings, catalog.DELIVERIES)}` as d
            inner join unnest(@records) as a
                on d.kafka_partition = a.kafka_partition and d.kafka_offset = a.kafka_offset
            left join {replays} as r
                on d.topic = r.topic and d.kafka_partition = r.kafka_partition and d.kafka_offset = r.kafka_offset
            where d.topic = @topic and d.disposition in ('QUARANTINED', 'IGNORED') and r.topic is null
        );
    assert @@row_count = @requested as 'a record was replayed in the meantime';
    commit transaction;
    """


def open_requests(client: "Client", settings: JobSettings) -> list[Row]:
    """Requests without the broker's answer: with the record's key and value, and whether they are settled.

    What was erased since has nothing left to send.
    """
    sql = f"""
        select r.*, d.raw_key, d.raw_value, d.headers,
            timestamp_diff(current_timestamp(), r.requested_at, second) >= @settled_after as is_settled
        from `{table_id(settings, catalog.REPLAYS)}` as r
        inner join `{table_id(settings, catalog.DELIVERIES)}` as d
            on d.topic = r.topic and d.kafka_partition = r.kafka_partition and d.kafka_offset = r.kafka_offset
        where r.new_offset is null and r.topic = @topic and d.disposition != '{ERASED}'
        """
    return run(client, sql, {"topic": settings.topic, "settled_after": int(SETTLED_AFTER.total_seconds())})


def answer(client: "Client", settings: JobSettings, offsets: Mapping[Place, int]) -> None:
    """Write down where records came to lie; an answer that is there already stays.

    Args:
        client: the warehouse.
        settings: names the topic.
        offsets: the new offset by the old partition and offset.
    """
    if not offsets:
        return
    sql = f"""
        update `{table_id(settings, catalog.REPLAYS)}` as r
        set new_offset = a.new_offset, replayed_at = current_timestamp()
        from unnest(@answers) as a
        where r.topic = @topic and r.kafka_partition = a.kafka_partition and r.kafka_offset = a.kafka_offset
            and r.new_offset is null
        """
    answers = [
        {"kafka_partition": partition, "kafka_offset": offset, "new_offset": new}
        for (partition, offset), new in sorted(offsets.items())
    ]
    with failures_as_incidents():
        run(client, sql, {"topic": settings.topic, "answers": answers})
