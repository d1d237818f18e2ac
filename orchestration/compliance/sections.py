"""What stands in a day's report: a query for each section.

Belongs here: titles and SQL. Does not belong here: running it (reporting), the page. A day is UTC: of event_time for
the seal and the verdict, of the log or of the decision for all else. Each query reads what is of that day, but for the
money of its batches: batch_ledger_amounts has no day, and is read whole.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """`sql` takes `day`, `since` and `until`; `view` is what dbt must have built for it."""

    name: str
    title: str
    sql: str
    view: str = ""


_PUBLISHED = "published_at >= @since and published_at < @until"

SECTIONS = (
    Section(
        "seal",
        "The day's seal",
        """select day, payment_count, amounts, hash_total, tree_root, sealed_by, code_version, sealed_at,
            previous_digest, digest
        from {day_seals} where day = cast(@day as date)""",
    ),
    Section(
        "verdict",
        "Each payment counted once: the verdict on the day",
        "select * from {reconciliation_daily} where day = cast(@day as date)",
        view="reconciliation_daily",
    ),
    Section(
        "published",
        "What was delivered and published on the day",
        f"""select count(*) as batches, min(batch_id) as first_batch, max(batch_id) as last_batch,
            sum(delivered) as delivered, sum(unique_count) as counted, sum(duplicate_count) as duplicates,
            sum(late_count) as late, sum(quarantined_count) as held, sum(coalesce(ignored_count, 0)) as ignored,
            any_value(digest having max batch_id) as closing_digest
        from {{batch_ledger}} where {_PUBLISHED}
        having count(*) > 0""",
    ),
    Section(
        "money",
        "Its money, by what became of the records",
        f"""select disposition, currency, sum(record_count) as records, sum(amount_minor) as amount_minor
        from {{batch_ledger_amounts}}
        where batch_id in (select batch_id from {{batch_ledger}} where {_PUBLISHED})
        group by disposition, currency
        order by disposition, currency""",
    ),
    Section(
        "held",
        "What is held, by reason",
        """select reason, count(*) as records
        from {payment_deliveries}, unnest(reasons) as reason
        where kafka_timestamp >= @since and kafka_timestamp < @until and disposition = 'QUARANTINED'
        group by reason
        order by reason""",
    ),
    Section(
        "corrected",
        "What was decided of payments on the day",
        """select kind, coalesce(currency, '') as currency, count(*) as payments,
            sum(cast(coalesce(amount_minor, 0) as numeric)) as amount_minor, decided_by, reason
        from {payment_corrections} where decided_at >= @since and decided_at < @until
        group by kind, coalesce(currency, ''), decided_by, reason
        order by kind, currency, decided_by, reason""",
    ),
    Section(
        "erased",
        "What was erased on the day",
        """select erasure_id, erased_by, reason, sum(record_count) as records, sum(payments_removed) as payments
        from {payment_erasures} where erased_at >= @since and erased_at < @until
        group by erasure_id, erased_by, reason
        order by erasure_id""",
    ),
    Section(
        "lost",
        "What was lost unread, and accepted as lost, on the day",
        """select topic, kafka_partition, start_offset, end_offset, accepted_by, reason
        from {accepted_gaps} where accepted_at >= @since and accepted_at < @until
        order by topic, kafka_partition, start_offset""",
    ),
    Section(
        "incidents",
        "What stopped a run on the day",
        """select distinct kind, detail, occurred_at
        from {pipeline_incidents} where occurred_at >= @since and occurred_at < @until
        order by occurred_at, kind""",
    ),
)
