"""Erasing one account: everything that names it, in one transaction, with a receipt; or nothing.

Belongs here: the transaction, reading back what became of it, receipts. Does not belong here: finding what names the
account (account_search), copies outside the transaction (copies). docs/adr/0011 says what stays.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from spark_jobs.contract.payment_event import ERASED
from spark_jobs.erasure.account_search import Found
from spark_jobs.erasure.search import Search, portion_of
from spark_jobs.incidents import Incident, IncidentKind, one_line
from spark_jobs.publishing.control import Control, insist_on_epoch
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.catalog import PERSONAL
from spark_jobs.tables.correction_kinds import CORRECTION_HASH, Correction
from spark_jobs.tables.erasure_tables import BLANK_DELIVERY, insert_receipts_sql
from spark_jobs.tables.names import sql_names, staging_id, table_id
from spark_jobs.tables.request_tables import Portion, State, insert_outcome_sql
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.control_row import read_control
from spark_jobs.warehouse.retries import failures_as_incidents
from spark_jobs.warehouse.transactions import run_over_rows

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, SchemaField

MAX_PLANS = 4
"""How often the account is looked for anew where a micro-batch was published in the meantime."""
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Where no payment is taken out."""


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """What one erasure took, of one day, disposition before it, and currency; money in minor units."""

    erasure_id: int
    day: date
    disposition: str
    currency: str
    records: int
    payments: int
    amount_minor: Decimal


def hash_of(account: str) -> str:
    """What a receipt says instead of the account. Whoever can guess ids can try them: it is no secret."""
    return hashlib.sha256(account.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Erased:
    """What one transaction has erased, and whether nothing is left that names the account."""

    receipts: Sequence[ErasureReceipt] = ()
    is_last: bool = True


def erase(
    client: "Client", settings: JobSettings, account: str, *, erased_by: str, reason: str
) -> Sequence[ErasureReceipt]:
    """Erase what names the account; what this erasure took, and nothing where nothing was left to take.

    Raises:
        Incident: the warehouse refused, never stood still for long enough, or too much is to be erased.
    """
    search = Search(client, settings, account)
    return erase_portion(client, settings, search, erased_by=erased_by, reason=reason).receipts


def erase_portion(
    client: "Client",
    settings: JobSettings,
    search: Search,
    *,
    erased_by: str,
    reason: str,
    portion: Portion | None = None,
) -> Erased:
    """Erase in one transaction what the search finds, or a portion of it.

    Args:
        client: the warehouse.
        settings: names the pipeline.
        search: of the account; it is told what is gone.
        erased_by: who erases.
        reason: why.
        portion: of a requested erasure, which is written down in the same transaction, under its epoch.

    Raises:
        Incident: as `erase`; FENCED, where the epoch is another's.
    """
    message = ""
    with failures_as_incidents():
        for _ in range(MAX_PLANS):
            moment = read_control(client, settings)
            if moment and portion:
                insist_on_epoch(moment, portion.epoch)
            found = search.found(moment) if moment else []
            if not moment or not found:
                return Erased()
            taken = portion_of(found, portion.most if portion else None)
            told = _Told(hash_of(search.account), erased_by, reason, portion, len(taken) == len(found))
            failure = _write(client, settings, moment, taken, told)
            written = receipts(client, settings, search.account, moment.erasure_count + 1)
            if written:
                search.taken(taken)
                return Erased(written, told.is_last)
            search.begin_anew()
            message = f": {one_line(failure)}" if failure else ""
    raise Incident(
        IncidentKind.WAREHOUSE_FAILED, f"{MAX_PLANS} attempts to erase changed nothing; try again later{message}"
    )


def receipts(
    client: "Client", settings: JobSettings, account: str, erasure_id: int | None = None
) -> list[ErasureReceipt]:
    """What erasures of the account took, with what came again since; of one of them, or of all."""
    sql = f"""
        select erasure_id, day, disposition, currency, sum(record_count) as records,
            sum(payments_removed) as payments, sum(amount_minor) as amount_minor
        from `{table_id(settings, catalog.ERASURES)}`
        where account_hash = @account_hash and (erasure_id = @erasure_id or @erasure_id = 0)
        group by erasure_id, day, disposition, currency order by erasure_id, day, disposition, currency
        """
    rows = run(client, sql, {"account_hash": hash_of(account), "erasure_id": erasure_id or 0})
    return [ErasureReceipt(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class _Told:
    account_hash: str
    erased_by: str
    reason: str
    portion: Portion | None
    is_last: bool


def _write(
    client: "Client", settings: JobSettings, moment: Control, found: Sequence[Found], told: _Told
) -> Exception | None:
    name = f"erasure_{moment.erasure_count + 1}_{uuid.uuid4().hex[:12]}"
    staging = staging_id(settings, name)
    paid = [f.paid_at for f in found if f.paid_at is not None]
    values = {
        "pipeline": settings.pipeline,
        "last_batch_id": moment.last_batch_id,
        "correction_count": moment.correction_count,
        "erasure_id": moment.erasure_count + 1,
        "account_hash": told.account_hash,
        "ids": len({f.transaction_id for f in found if f.transaction_id is not None}),
        "records": len(found),
        "payments": sum(f.payments for f in found),
        # Of these partitions the statements read and rewrite rows, and of no others.
        "delivered_since": min(f.delivered_at for f in found),
        "delivered_until": max(f.delivered_at for f in found),
        "paid_since": min(paid, default=_NO_TIME),
        "paid_until": max(paid, default=_NO_TIME),
        "erased_by": told.erased_by,
        "reason": told.reason,
    }
    if told.portion:
        state = State.DONE if told.is_last else State.PORTION
        detail = json.dumps({"erasure_id": moment.erasure_count + 1})
        values |= told.portion.values(state, len(found), detail)
    statement = erase_sql(settings, staging, is_portion=told.portion is not None), values, f"{settings.pipeline}_{name}"
    return run_over_rows(client, staging, *_places(found), statement)


def _places(found: Sequence[Found]) -> tuple[list[dict[str, Any]], list["SchemaField"]]:
    """Rows and columns of the staging table: places alone, it names nobody."""
    from google.cloud.bigquery import SchemaField

    kinds = {"topic": "STRING", "kafka_partition": "INT64", "kafka_offset": "INT64"}
    rows = [dict(zip(kinds, f.place, strict=True)) for f in found]
    return rows, [SchemaField(name, kind) for name, kind in kinds.items()]


def erase_sql(settings: JobSettings, staging: str, *, is_portion: bool = False) -> str:
    """The transaction: all of it, or, where the pipeline has moved on since it was looked for, nothing."""
    name = sql_names(settings)
    here = f"""exists (
        select 1 from `{staging}` as s
        where s.topic = r.topic and s.kafka_partition = r.kafka_partition and s.kafka_offset = r.kafka_offset)"""
    message = ", ".join(f"{column} = null" for column in PERSONAL)
    delivered = "r.kafka_timestamp >= @delivered_since and r.kafka_timestamp <= @delivered_until"
    requested = insert_outcome_sql(name[catalog.DECISION_OUTCOMES.name]) if is_portion else ""
    named = _forget_request_sql(name[catalog.DECISION_REQUESTS.name]) if is_portion else ""
    anew = CORRECTION_HASH.replace(" transaction_id,", "")
    return f"""
    begin transaction;
    update {name[catalog.CONTROL.name]} set erasure_count = @erasure_id, updated_at = current_timestamp()
        where pipeline = @pipeline and last_batch_id = @last_batch_id and correction_count = @correction_count
            and erasure_count = @erasure_id - 1{" and epoch = @epoch" if is_portion else ""};
    assert @@row_count = 1 as 'a batch, a correction or another erasure was written in the meantime';{requested}
    {insert_receipts_sql(name[catalog.ERASURES.name], _rows_sql(settings, staging))}
    insert into {name[catalog.ERASED_IDS.name]} (erasure_id, id_hash)
        select @erasure_id, md5(r.transaction_id) from {name[catalog.DELIVERIES.name]} as r
        where {delivered} and r.disposition not in ('QUARANTINED', 'IGNORED') and {here}
        group by r.transaction_id;
    assert @@row_count = @ids as 'other payments name the account by now';
    delete from {name[catalog.TRANSACTIONS.name]} as r
        where r.event_time >= @paid_since and r.event_time <= @paid_until and {here};
    assert @@row_count = @payments as 'other payments count by now';
    update {name[catalog.CORRECTIONS.name]} as r set {message}, correction_hash = {anew} where {here};
    update {name[catalog.DELIVERIES.name]} as r
        set disposition = '{ERASED}', reasons = array<string>[],
            {", ".join(f"{column} = null" for column in BLANK_DELIVERY)}
        where {delivered} and r.disposition != '{ERASED}' and {here};
    assert @@row_count = @records as 'a delivery to be erased is not there';{named}
    commit transaction;
    """


def _forget_request_sql(table: str) -> str:
    """The request names the account, until its last portion."""
    return f"""
    update {table} set arguments = null where request_id = @request_id and @state != '{State.PORTION}';"""


def _rows_sql(settings: JobSettings, staging: str) -> str:
    """The deliveries as the receipts count them: a late payment as the sender's totals do."""
    name = sql_names(settings)

    def beside(row: str, partition: str = "kafka_partition", offset: str = "kafka_offset") -> str:
        place = (("topic", "topic"), (partition, "kafka_partition"), (offset, "kafka_offset"))
        return " and ".join(f"{row}.{theirs} = d.{ours}" for theirs, ours in place)

    return f"""
            select @erasure_id as erasure_id, @account_hash as account_hash, @ids as erased_ids, d.batch_id, d.topic,
                d.kafka_partition, d.kafka_offset, d.kafka_timestamp, d.event_time, d.currency, d.amount_minor,
                d.value_sha256, d.disposition, if(t.topic is null, 0, 1) as removed, r.topic is not null as is_replay,
                d.disposition = 'LATE' and row_number() over (
                    partition by d.transaction_id, d.disposition
                    order by d.event_time, d.kafka_partition, d.kafka_offset) = 1
                and (countif(t.topic is not null) over (partition by d.transaction_id) = 0
                    or countif(c.topic is not null) over (partition by d.transaction_id) > 0) as is_late_payment,
                @erased_by as erased_by, @reason as reason
            from {name[catalog.DELIVERIES.name]} as d
            inner join `{staging}` as s on {beside("s")}
            left join {name[catalog.TRANSACTIONS.name]} as t
                on {beside("t")} and t.event_time >= @paid_since and t.event_time <= @paid_until
            left join {name[catalog.REPLAYS.name]} as r on {beside("r", "new_partition", "new_offset")}
            left join (
                select distinct topic, kafka_partition, kafka_offset from {name[catalog.CORRECTIONS.name]}
                where kind = '{Correction.ADMITTED_LATE}') as c on {beside("c")}
            where d.kafka_timestamp >= @delivered_since and d.kafka_timestamp <= @delivered_until
            """
