"""What the warehouse knows of a batch before it is published: ids that the stream forgot, and ids that were erased.

Belongs here: what is known, asking for it, and the statements that write down what was found. Does not belong here: the
rest of the batch's transaction (publish_sql).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from spark_jobs.contract.payment_event import ERASED, MIN_YEAR
from spark_jobs.publishing.batch import AlreadyPublished
from spark_jobs.publishing.control import Control
from spark_jobs.publishing.look_back import Searched
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import CORRECTION_HASH, Correction
from spark_jobs.tables.erasure_tables import BLANK_DELIVERY, insert_receipts_sql
from spark_jobs.tables.names import table_id

RETRACTION = "its id was published before, longer ago than the stream remembers"
NO_WATERMARK = datetime(MIN_YEAR, 1, 1, tzinfo=UTC)
"""Before the first payment: none is older."""
ERASED_AGAIN = "its id was erased before"


@dataclass(frozen=True, slots=True)
class FoundInWarehouse(AlreadyPublished):
    """What the warehouse knew, as long as the two counts are those of the control row.

    Where one of them is 0, nothing was ever corrected, or erased. `corrected` of the retracted leave a correction.
    """

    correction_count: int = 0
    erasure_count: int = 0
    corrected: int = 0

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> "FoundInWarehouse":
        """From the rows of `already_published_sql`, of which there is at least one."""
        found = [row for row in rows if row["kafka_partition"] is not None]
        is_new = [row for row in found if row["disposition"] == "UNIQUE"]
        return cls(
            retracted=tuple((row["kafka_partition"], row["currency"], row["amount_minor"]) for row in is_new),
            erased=sum(row["is_erased"] for row in found),
            correction_count=rows[0]["correction_count"],
            erasure_count=rows[0]["erasure_count"],
            corrected=sum(not row["is_erased"] for row in found),
        )


def already_published_sql(settings: JobSettings, staging: str, *, searches: bool = True) -> str:
    """The exact check of one batch: of payments that its state has forgotten, that a decision has put in, or erased.

    `searches` is whether payments made from @searched_since up to @searched_until are to be searched at all.
    """
    columns = "kafka_partition, disposition, currency, amount_minor"
    return f"""
    select c.correction_count, c.erasure_count, s.*
    from `{table_id(settings, catalog.CONTROL)}` as c
    left join (
        select {columns}, false as is_erased from ({_known(settings, staging, columns, searches=searches)})
        union all
        select {columns}, true as is_erased from `{staging}` where {_is_erased(settings)}
    ) as s on true
    where c.pipeline = @pipeline
    """


def is_new_sql(settings: JobSettings, known: FoundInWarehouse, *, searches: bool = True) -> str:
    """Of a record `s` of the staging table: it is a payment, and none that is published or erased."""
    is_new = f"s.disposition = 'UNIQUE' and {was_not_erased_sql(settings, known)}"
    published = _published_ids(settings, searches=searches, has_corrections=known.correction_count > 0)
    if not published:
        return is_new
    return f"""{is_new} and not exists (
                select 1 from ({published}) as p where p.transaction_id = s.transaction_id)"""


def was_not_erased_sql(settings: JobSettings, known: FoundInWarehouse) -> str:
    """Of a record `s` of the staging table: its id, if it has one, was never erased."""
    if not known.erasure_count:
        return "true"
    erased = f"select 1 from `{table_id(settings, catalog.ERASED_IDS)}` as erased"
    return f"not exists ({erased} where erased.id_hash = md5(s.transaction_id))"


def already_published_values(
    settings: JobSettings, control: Control, searched: Searched | None = None
) -> dict[str, Any]:
    """Values of the two statements, by name. Payments of before @known_since are forgotten for good."""
    known_since = (control.watermark or NO_WATERMARK) - timedelta(days=settings.lookback_days)
    since, until = searched or (known_since, known_since)
    return {
        "pipeline": control.pipeline,
        "known_since": known_since,
        "searched_since": since,
        "searched_until": until,
    }


def source_sql(settings: JobSettings, staging: str, *, retracts: bool, erases: bool) -> str:
    """The staging table as `s`, with `is_retracted` and `is_erased` where asked for: NULL where they are not."""
    source = f"`{staging}` as s"
    if retracts:
        # Read in the transaction that wrote them.
        source += f"""
        left join (select kafka_partition, kafka_offset, true as is_retracted
            from `{table_id(settings, catalog.CORRECTIONS)}`
            where kind = '{Correction.RETRACTED_DUPLICATE}' and batch_id = @batch_id)
            using (kafka_partition, kafka_offset)"""
    if erases:
        source += f"""
        left join (select kafka_partition, kafka_offset, true as is_erased from `{staging}`
            where {_is_erased(settings)}) using (kafka_partition, kafka_offset)"""
    return source


def delivered_as(*, retracts: bool, erases: bool) -> dict[str, str]:
    """Columns of payment_deliveries that are not as they are staged, with what they are, over `source_sql`."""
    tagged = "if(is_retracted, 'DUPLICATE', disposition)" if retracts else "disposition"
    if not erases:
        return {"disposition": tagged}
    blank = {name: f"if(is_erased, null, {name})" for name in BLANK_DELIVERY}
    return {
        **blank,
        "disposition": f"if(is_erased, '{ERASED}', {tagged})",
        "reasons": "if(is_erased, array<string>[], reasons)",
    }


def retract_sql(settings: JobSettings, staging: str, *, searches: bool = True) -> str:
    """Write the corrections of what is published already."""
    payment = ", ".join(column.name for column in catalog.TRANSACTIONS.columns)
    given = {"topic": "@topic as topic", "batch_id": "@batch_id as batch_id"}
    staged = ", ".join(given.get(column.name, column.name) for column in catalog.TRANSACTIONS.columns)
    columns = ", ".join(catalog.WRITTEN_CORRECTION)
    return f"""
    insert into `{table_id(settings, catalog.CORRECTIONS)}` ({columns})
        select correction_id, kind, payments_added, {payment}, last_batch_id, decided_by, reason, decided_at,
            {CORRECTION_HASH}
        from (
            select *, '{Correction.RETRACTED_DUPLICATE}' as kind, 0 as payments_added, @batch_id - 1 as last_batch_id,
                @pipeline as decided_by, '{RETRACTION}' as reason, current_timestamp() as decided_at,
                @correction_count + row_number() over (order by kafka_partition, kafka_offset) as correction_id
            from ({_known(settings, staging, staged, searches=searches)})
        );
    assert @@row_count = @retracted as 'what is known of the batch has changed';"""


def erase_again_sql(settings: JobSettings, staging: str) -> str:
    """Write the receipts of what was erased before: no payment counts again, so what looked new is a DUPLICATE."""
    rows = f"""
            select i.erasure_id, e.account_hash, e.erased_ids, @batch_id as batch_id, @topic as topic,
                s.kafka_partition, s.kafka_offset, s.kafka_timestamp, s.event_time, s.currency, s.amount_minor,
                s.value_sha256, if(s.disposition = 'UNIQUE', 'DUPLICATE', s.disposition) as disposition,
                false as is_late_payment, false as is_replay, 0 as removed, @pipeline as erased_by,
                '{ERASED_AGAIN}' as reason
            from `{staging}` as s
            inner join (
                select id_hash, min(erasure_id) as erasure_id from `{table_id(settings, catalog.ERASED_IDS)}`
                group by id_hash) as i on md5(s.transaction_id) = i.id_hash
            inner join (
                select erasure_id, any_value(account_hash) as account_hash, any_value(erased_ids) as erased_ids
                from `{table_id(settings, catalog.ERASURES)}` group by erasure_id) as e on i.erasure_id = e.erasure_id
            """
    return f"""
    {insert_receipts_sql(f"`{table_id(settings, catalog.ERASURES)}`", rows)}"""


def _is_erased(settings: JobSettings) -> str:
    return f"md5(transaction_id) in (select id_hash from `{table_id(settings, catalog.ERASED_IDS)}`)"


def _known(settings: JobSettings, staging: str, columns: str, *, searches: bool) -> str:
    return f"""select {columns} from `{staging}`
            where disposition = 'UNIQUE'
                and transaction_id in ({_published_ids(settings, searches=searches, has_corrections=True)})"""


def _published_ids(settings: JobSettings, *, searches: bool, has_corrections: bool) -> str:
    """Ids that the stream may take for new: empty where there are none."""
    payments = f"""
                select transaction_id from `{table_id(settings, catalog.TRANSACTIONS)}`
                where event_time >= @searched_since and event_time < @searched_until"""
    # The stream knows none that a decision has put in. None is decided before it is made, but a clock may be ahead.
    decided = f"""
                select transaction_id from `{table_id(settings, catalog.CORRECTIONS)}`
                where payments_added > 0 and event_time >= @known_since
                    and decided_at >= timestamp_sub(@known_since, interval 1 day)"""
    parts = [payments] if searches else []
    return "\n                union all".join([*parts, *([decided] if has_corrections else [])])
