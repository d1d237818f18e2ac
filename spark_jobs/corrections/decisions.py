"""Corrections: what is decided of a delivered payment after its disposition, in one transaction each, or nothing.

Belongs here: writing them. Does not belong here: their kinds (tables), choosing them (late_payments,
conflicts), those that a micro-batch makes itself (sinks.bigquery). A delivery's disposition is never rewritten.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from spark_jobs.incidents import Incident, IncidentKind, one_line
from spark_jobs.publishing.control import Control
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import CORRECTION_HASH, Correction
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.control_row import read_control
from spark_jobs.warehouse.retries import failures_as_incidents
from spark_jobs.warehouse.table_setup import schema_of, table_id
from spark_jobs.warehouse.transactions import run_over_rows

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, SchemaField

MAX_PLANS = 4
"""How often a decision is made anew where a micro-batch was published while it was made."""


_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Where nothing is taken out."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One correction to be: `payment` has the columns of payment_transactions."""

    kind: Correction
    payment: dict[str, Any]


def decide(
    client: "Client",
    settings: JobSettings,
    plan: Callable[[], Sequence[Decision]],
    *,
    decided_by: str,
    reason: str,
) -> Sequence[Decision]:
    """Make decisions and write them in one transaction; where a batch came in between, make them anew.

    Args:
        client: the warehouse.
        settings: names the pipeline.
        plan: reads the warehouse and decides; called again where the warehouse has moved on.
        decided_by: who decides.
        reason: why.

    Raises:
        Incident: the warehouse refused, or never stood still for long enough.

    Returns:
        What was written.
    """
    message = ""
    with failures_as_incidents():
        for attempt in range(MAX_PLANS):
            moment = read_control(client, settings)
            decisions = plan() if moment else ()
            if not moment or not decisions:
                return ()
            failure = _write(client, settings, moment, decisions, (decided_by, reason, attempt))
            if _is_written(client, settings, moment, decisions):
                return decisions
            message = f": {one_line(failure)}" if failure else ""
    raise Incident(
        IncidentKind.WAREHOUSE_FAILED,
        f"{MAX_PLANS} attempts to write corrections changed nothing; try again later{message}",
    )


def _write(
    client: "Client",
    settings: JobSettings,
    moment: Control,
    decisions: Sequence[Decision],
    told: tuple[str, str, int],
) -> Exception | None:
    decided_by, reason, attempt = told
    digest = hashlib.sha256(repr(_identity(decisions)).encode()).hexdigest()[:16]
    name = f"{moment.last_batch_id}_{moment.correction_count}_{moment.erasure_count}_{digest}_{attempt}"
    staging = f"{settings.project}.{settings.dataset}.staging_corrections_{name}"
    removed = [decision.payment["event_time"] for decision in decisions if decision.kind.payments_added < 0]
    values = {
        "pipeline": settings.pipeline,
        "last_batch_id": moment.last_batch_id,
        "correction_count": moment.correction_count,
        "erasure_count": moment.erasure_count,
        "decisions": len(decisions),
        "removed": len(removed),
        # Of these days' partitions the statement reads and rewrites rows, and of no others.
        "removed_since": min(removed, default=_NO_TIME),
        "removed_until": max(removed, default=_NO_TIME),
        "decided_by": decided_by,
        "reason": reason,
    }
    statement = correct_sql(settings, staging), values, f"{settings.pipeline}_correct_{name}"
    return run_over_rows(client, staging, *_staged(decisions), statement)


def _staged(decisions: Sequence[Decision]) -> tuple[list[dict[str, Any]], list["SchemaField"]]:
    """Rows and columns of the staging table."""
    from google.cloud.bigquery import SchemaField

    rows = [
        {
            "number": number,
            "kind": str(decision.kind),
            "payments_added": decision.kind.payments_added,
            **{column.name: _as_json(decision.payment.get(column.name)) for column in catalog.TRANSACTIONS.columns},
        }
        for number, decision in enumerate(decisions, start=1)
    ]
    head = [SchemaField("number", "INT64"), *schema_of(catalog.CORRECTIONS)[1:3]]
    return rows, [*head, *schema_of(catalog.TRANSACTIONS)]


def correct_sql(settings: JobSettings, staging: str) -> str:
    """The transaction: every decision, or, where the pipeline has moved on since it was made, nothing."""
    payment = ", ".join(column.name for column in catalog.TRANSACTIONS.columns)
    columns = ", ".join(catalog.WRITTEN_CORRECTION)
    name = {table: f"`{table_id(settings, table)}`" for table in catalog.TABLES}
    transactions = name[catalog.TRANSACTIONS]
    return f"""
    begin transaction;
    update {name[catalog.CONTROL]}
        set correction_count = correction_count + @decisions, updated_at = current_timestamp()
        where pipeline = @pipeline and last_batch_id = @last_batch_id and correction_count = @correction_count
            and erasure_count = @erasure_count;
    assert @@row_count = 1 as 'a batch, an erasure or another correction was published in the meantime';
    insert into {name[catalog.CORRECTIONS]} ({columns})
        select correction_id, kind, payments_added, {payment}, last_batch_id, decided_by, reason, decided_at,
            {CORRECTION_HASH}
        from (
            select *, @correction_count + number as correction_id, @last_batch_id as last_batch_id,
                @decided_by as decided_by, @reason as reason, current_timestamp() as decided_at
            from `{staging}`
        );
    assert @@row_count = @decisions as 'the staging table does not hold the decisions';
    delete from {transactions} as t where event_time >= @removed_since and event_time <= @removed_until and exists (
        select 1 from `{staging}` as s
        where s.payments_added = -1 and s.topic = t.topic and s.kafka_partition = t.kafka_partition
            and s.kafka_offset = t.kafka_offset);
    assert @@row_count = @removed as 'a payment to be replaced is not there';
    insert into {transactions} ({payment}) select {payment} from `{staging}` where payments_added = 1;
    assert not exists (
        select transaction_id from {transactions}
        where transaction_id in (select transaction_id from `{staging}` where payments_added = 1)
        group by transaction_id having count(*) > 1) as 'the payment is published already';
    commit transaction;
    """


def _is_written(client: "Client", settings: JobSettings, moment: Control, decisions: Sequence[Decision]) -> bool:
    """Read back: whether the rows after the moment's last one are these decisions."""
    sql = f"""
        select kind, topic, kafka_partition, kafka_offset from `{table_id(settings, catalog.CORRECTIONS)}`
        where correction_id > @first and correction_id <= @last order by correction_id
        """
    bound = {"first": moment.correction_count, "last": moment.correction_count + len(decisions)}
    return [tuple(row.values()) for row in run(client, sql, bound)] == _identity(decisions)


def _identity(decisions: Sequence[Decision]) -> list[tuple[Any, ...]]:
    coordinates = ("topic", "kafka_partition", "kafka_offset")
    return [(str(d.kind), *(d.payment[name] for name in coordinates)) for d in decisions]


def _as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, datetime) else json.loads(json.dumps(value))
