"""Corrections: what is decided of a delivered payment after its disposition, in one transaction each, or nothing.

Belongs here: writing them. Does not belong here: their kinds (tables), choosing them (late_payments,
conflicts), those that a micro-batch makes itself (sinks.bigquery). A delivery's disposition is never rewritten.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from spark_jobs.incidents import Incident, IncidentKind, one_line
from spark_jobs.publishing.control import Control, insist_on_epoch
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import CORRECTION_HASH, Correction
from spark_jobs.tables.names import sql_names, staging_id, table_id
from spark_jobs.tables.request_tables import Portion, State, insert_outcome_sql
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.control_row import read_control
from spark_jobs.warehouse.retries import failures_as_incidents
from spark_jobs.warehouse.table_setup import schema_of
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


@dataclass(frozen=True, slots=True)
class Plan:
    """Decisions to be written in one transaction, and whether nothing of what was asked for is left after them."""

    decisions: Sequence[Decision] = ()
    is_last: bool = True

    def detail(self) -> str:
        """How many of each kind, and the money of those that add or take none: records and minor units by currency."""
        kinds, money = Counter(str(each.kind) for each in self.decisions), dict[str, list[int]]()
        for each in self.decisions:
            found = money.setdefault(each.payment["currency"], [0, 0])
            found[0] += 1
            found[1] += each.payment["amount_minor"]
        return json.dumps({"kinds": kinds, "money": money}, sort_keys=False)


def decide(
    client: "Client",
    settings: JobSettings,
    plan: Callable[[], Plan],
    *,
    decided_by: str,
    reason: str,
    portion: Portion | None = None,
) -> Plan:
    """Make decisions and write them in one transaction; where a batch came in between, make them anew.

    Args:
        client: the warehouse.
        settings: names the pipeline.
        plan: reads the warehouse and decides; called again where the warehouse has moved on.
        decided_by: who decides.
        reason: why.
        portion: of a requested decision, which is written down in the same transaction, under its epoch.

    Raises:
        Incident: the warehouse refused, or never stood still for long enough; FENCED, where the epoch is another's.

    Returns:
        What was written.
    """
    message = ""
    with failures_as_incidents():
        for attempt in range(MAX_PLANS):
            moment = read_control(client, settings)
            if moment and portion:
                insist_on_epoch(moment, portion.epoch)
            planned = plan() if moment else Plan()
            if not moment or not planned.decisions:
                return planned
            failure = _write(client, settings, moment, planned, (decided_by, reason, attempt), portion)
            if _is_written(client, settings, moment, planned.decisions):
                return planned
            message = f": {one_line(failure)}" if failure else ""
    raise Incident(
        IncidentKind.WAREHOUSE_FAILED,
        f"{MAX_PLANS} attempts to write corrections changed nothing; try again later{message}",
    )


def _write(
    client: "Client",
    settings: JobSettings,
    moment: Control,
    planned: Plan,
    given: tuple[str, str, int],
    portion: Portion | None,
) -> Exception | None:
    decided_by, reason, attempt = given
    decisions = planned.decisions
    digest = hashlib.sha256(repr(_identity(decisions)).encode()).hexdigest()[:16]
    name = f"{moment.last_batch_id}_{moment.correction_count}_{moment.erasure_count}_{digest}_{attempt}"
    if portion:
        # Another holder of the epoch may have tried the same.
        name += f"_{portion.epoch}"
    staging = staging_id(settings, f"corrections_{name}")
    removed = [decision.payment["event_time"] for decision in decisions if decision.kind.payments_added < 0]
    added = [decision.payment["event_time"] for decision in decisions if decision.kind.payments_added > 0]
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
        # An id that is added is looked for as far back as a batch looks for one that says another time.
        "added_since": min(added, default=datetime.now(UTC)) - timedelta(days=settings.lookback_days),
        "decided_by": decided_by,
        "reason": reason,
    }
    if portion:
        state = State.DONE if planned.is_last else State.PORTION
        values |= portion.values(state, len(decisions), planned.detail())
    sql = correct_sql(settings, staging, is_portion=portion is not None)
    statement = sql, values, f"{settings.pipeline}_correct_{name}"
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


def correct_sql(settings: JobSettings, staging: str, *, is_portion: bool = False) -> str:
    """The transaction: every decision, or, where the pipeline has moved on since it was made, nothing."""
    requested = insert_outcome_sql(f"`{table_id(settings, catalog.DECISION_OUTCOMES)}`") if is_portion else ""
    payment = ", ".join(column.name for column in catalog.TRANSACTIONS.columns)
    columns = ", ".join(catalog.WRITTEN_CORRECTION)
    name = sql_names(settings)
    transactions = name[catalog.TRANSACTIONS.name]
    return f"""
    begin transaction;
    update {name[catalog.CONTROL.name]}
        set correction_count = correction_count + @decisions, updated_at = current_timestamp()
        where pipeline = @pipeline and last_batch_id = @last_batch_id and correction_count = @correction_count
            and erasure_count = @erasure_count{" and epoch = @epoch" if is_portion else ""};
    assert @@row_count = 1 as 'a batch, an erasure or another correction was published in the meantime';{requested}
    insert into {name[catalog.CORRECTIONS.name]} ({columns})
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
        where event_time >= @added_since
            and transaction_id in (select transaction_id from `{staging}` where payments_added = 1)
        group by transaction_id having count(*) > 1) as 'the payment is published already';
    commit transaction;
    """


def _is_written(client: "Client", settings: JobSettings, moment: Control, decisions: Sequence[Decision]) -> bool:
    """Read back: whether the rows after the moment's last one are these decisions."""
    sql = f"""
        select kind, topic, kafka_partition, kafka_offset from `{table_id(settings, catalog.CORRECTIONS)}`
        where correction_id > @first and correction_id <= @last
            and decided_at >= timestamp_sub(current_timestamp(), interval 1 day)
        order by correction_id
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
