"""What corrections and replays must keep: rules over single rows, in BigQuery's SQL, and that none is missing.

Belongs here: selecting the records that break a rule, and counting. Does not belong here: rules over the payments and
deliveries (warehouse_reads, ledger_rules).
"""

from collections.abc import Sequence

from orchestration.verification.ledger_rules import Break
from orchestration.verification.record_rules import earlier_payload_hash
from spark_jobs.contract.payment_event import ERASED
from spark_jobs.tables.correction_kinds import CORRECTION_HASH, REPLAY_HASH, Correction
from spark_jobs.tables.row_types import Row

_ADDED = " ".join(f"when '{kind}' then {kind.payments_added}" for kind in Correction)
_DISPOSITIONS = {
    Correction.ADMITTED_LATE: ("LATE",),
    Correction.REJECTED_LATE: ("LATE",),
    Correction.RETRACTED_DUPLICATE: ("DUPLICATE",),
}
_ALLOWED = " or ".join(
    f"(c.kind = '{kind}' and d.disposition = '{disposition}')"
    for kind in Correction
    for disposition in _DISPOSITIONS.get(kind, ("UNIQUE", "DUPLICATE", "LATE"))
)

REPLAY_LEADS = "a replay leads from a record that is no payment to the same value"
"""The only rule that looks for records of any day: it is asked where all is looked at."""

CORRECTION_RULES = {
    "a correction is as it was decided": f"""
        select topic, kafka_partition, kafka_offset from {{payment_corrections}}
        where correction_hash != {CORRECTION_HASH}
            or coalesce(payments_added != case kind {_ADDED} end, true)
        """,
    "a correction and its delivery agree": f"""
        select c.topic, c.kafka_partition, c.kafka_offset from {{payment_corrections}} as c
        left join {{payment_deliveries}} as d
            on d.topic = c.topic and d.kafka_partition = c.kafka_partition and d.kafka_offset = c.kafka_offset
        left join (
            select topic, kafka_partition, kafka_offset, min(correction_id) as correction_id
            from {{payment_corrections}} where kind = '{Correction.BACKFILL_REPLACED}'
            group by topic, kafka_partition, kafka_offset) as reread
            on c.topic = reread.topic and c.kafka_partition = reread.kafka_partition
                and c.kafka_offset = reread.kafka_offset and c.correction_id > reread.correction_id
        where {{is_delivery_kept}} and (
            d.topic is null or (d.disposition = '{ERASED}') != (c.transaction_id is null)
            or d.batch_id != c.batch_id or d.value_sha256 != c.value_sha256 or d.kafka_timestamp != c.kafka_timestamp
            or d.disposition != '{ERASED}' and (
                not ({_ALLOWED})
                or d.transaction_id != c.transaction_id or d.event_time != c.event_time or c.payload_hash is null
                or reread.topic is null and (d.currency != c.currency or d.amount_minor != c.amount_minor
                    or d.payload_hash not in (c.payload_hash, {earlier_payload_hash("c.")}))))
        """,
    "a replay is as it was asked for": f"""
        select topic, kafka_partition, kafka_offset from {{payment_replays}}
        where replay_hash != {REPLAY_HASH}
            or (new_offset is null) != (replayed_at is null) or new_offset < sent_from_offset
        """,
    REPLAY_LEADS: """
        select r.topic, r.kafka_partition, r.kafka_offset from {payment_replays} as r
        left join {payment_deliveries} as d
            on d.topic = r.topic and d.kafka_partition = r.kafka_partition and d.kafka_offset = r.kafka_offset
        left join {payment_deliveries} as n
            on n.topic = r.topic and n.kafka_partition = r.new_partition and n.kafka_offset = r.new_offset
        where d.topic is null and {is_all_kept} or d.disposition not in ('QUARANTINED', 'IGNORED', 'ERASED')
            or d.value_sha256 != r.value_sha256 or n.value_sha256 != r.value_sha256
        """,
}


CORRECTION_COUNTS = """
    select 'correction_count' as told_as, count(*) as row_count, count(distinct correction_id) as ids,
        coalesce(max(correction_id), 0) as newest from {payment_corrections}
    union all
    select 'replay_count' as told_as, count(*) as row_count, count(distinct replay_id) as ids,
        coalesce(max(replay_id), 0) as newest from {payment_replays}
    union all
    select 'erasure_count' as told_as, count(distinct erasure_id) as row_count, count(distinct erasure_id) as ids,
        coalesce(max(erasure_id), 0) as newest from {payment_erasures}
    """

NUMBERED = "corrections, replays and erasures are numbered without a gap"


def missing_corrections(counts: Sequence[Row], control: Sequence[Row]) -> list[Break]:
    """Where the control row knows of another number of corrections, replays or erasures than there are.

    Args:
        counts: WarehouseReads.correction_counts.
        control: rows of pipeline_control.
    """
    return [
        Break(NUMBERED, f"{row['told_as']}: {name}", reported, row[name])
        for row in counts
        for reported in [sum(pipeline[row["told_as"]] for pipeline in control)]
        for name in ("row_count", "ids", "newest")
        if row[name] != reported
    ]
