"""Rules over single rows of deliveries and payments, in BigQuery's SQL.

Belongs here: one condition per claim. Does not belong here: running them (warehouse_reads).
"""

from spark_jobs.contract.iso_codes import MINOR_UNITS
from spark_jobs.contract.payment_event import V1_FIELDS, V2_FIELDS, unless_default
from spark_jobs.tables import catalog


def payload_hash(row: str = "", last: str = "''") -> str:
    """The payload's hash as the streaming job makes it, from the stored columns (spark_jobs.parsing).

    `row` is the alias of the table, with its dot.
    """
    hashed = [f.name for f in V1_FIELDS if f.name not in ("transaction_id", "event_time", "amount")]
    texts = ", ".join(f"coalesce({row}{name}, '')" for name in hashed)
    later = [f"coalesce(chr(30) || '{f.name}=' || {unless_default(f, row + f.name)}, '')" for f in V2_FIELDS]
    last = " || ".join([last, *later])
    return f"md5(array_to_string([cast({row}amount_minor as string), {texts}, {last}], chr(31)))"


def earlier_payload_hash(row: str = "") -> str:
    """The same as earlier contracts had it: it covered unknown fields as well. Without them the two are equal."""
    return payload_hash(row, f"coalesce({row}extra_fields, '')")


def _minor_units() -> str:
    """How many minor units one unit of the row's currency has."""
    cases = " ".join(f"when '{currency}' then {10**digits}" for currency, digits in sorted(MINOR_UNITS.items()))
    return f"case currency {cases} end"


_PAYMENTS = {"a payment": catalog.TRANSACTIONS, "a correction": catalog.CORRECTIONS}


_RECORD_RULES = {
    "a delivery is stored once": """
        select topic, kafka_partition, kafka_offset from {payment_deliveries}
        group by topic, kafka_partition, kafka_offset having count(*) > 1
        """,
    "a payment is stored once": """
        select any_value(topic) as topic, min(kafka_partition) as kafka_partition, min(kafka_offset) as kafka_offset
        from {payment_transactions} group by transaction_id having count(*) > 1
        """,
    "a UNIQUE or corrected delivery and its payment agree": """
        select
            coalesce(d.topic, t.topic) as topic,
            coalesce(d.kafka_partition, t.kafka_partition) as kafka_partition,
            coalesce(d.kafka_offset, t.kafka_offset) as kafka_offset
        from (
            select d.* except (currency, amount_minor, payload_hash), coalesce(said.currency, d.currency) as currency,
                coalesce(said.amount_minor, d.amount_minor) as amount_minor,
                coalesce(said.payload_hash, d.payload_hash) as payload_hash,
                if(d.disposition = 'UNIQUE', 1, 0) + coalesce(c.payments_added, 0) as payments
            from {payment_deliveries} as d
            left join (
                select * from {payment_corrections} where payments_added = 1
                qualify row_number() over (
                    partition by topic, kafka_partition, kafka_offset order by correction_id desc) = 1) as said
                on d.topic = said.topic and d.kafka_partition = said.kafka_partition
                    and d.kafka_offset = said.kafka_offset
            left join (
                select topic, kafka_partition, kafka_offset, sum(payments_added) as payments_added
                from {payment_corrections} group by topic, kafka_partition, kafka_offset) as c
                on d.topic = c.topic and d.kafka_partition = c.kafka_partition and d.kafka_offset = c.kafka_offset
            where d.disposition != 'ERASED'
                and if(d.disposition = 'UNIQUE', 1, 0) + coalesce(c.payments_added, 0) != 0
                and {is_payment_kept}
        ) as d
        full outer join {payments_of_batches} as t
            on d.topic = t.topic and d.kafka_partition = t.kafka_partition and d.kafka_offset = t.kafka_offset
        where d.topic is null or t.topic is null or d.payments != 1
            or d.transaction_id != t.transaction_id or d.event_time != t.event_time or d.currency != t.currency
            or d.amount_minor != t.amount_minor or d.batch_id != t.batch_id or d.payload_hash != t.payload_hash
            or d.value_sha256 != t.value_sha256 or d.kafka_timestamp != t.kafka_timestamp
            or d.transaction_id is null or d.event_time is null or d.currency is null or d.amount_minor is null
            or d.payload_hash is null or t.payload_hash is null
        """,
    **{
        f"{told} says what its hash was made of": f"""
        select topic, kafka_partition, kafka_offset from {{{table.name}}}
        where payload_hash not in ({payload_hash()}, {earlier_payload_hash()})
        """
        for told, table in _PAYMENTS.items()
    },
    **{
        f"the amount of {told} is its minor units": f"""
        select topic, kafka_partition, kafka_offset from {{{table.name}}}
        where coalesce(amount * {_minor_units()} != amount_minor, transaction_id is not null)
        """
        for told, table in _PAYMENTS.items()
    },
    "a record has reasons where it is quarantined or ignored, and only there": """
        select topic, kafka_partition, kafka_offset from {payment_deliveries}
        where (disposition in ('QUARANTINED', 'IGNORED')) != (array_length(reasons) > 0)
            or disposition = 'IGNORED' and array_length(reasons) != 1
        """,
    "a UNIQUE record keeps no raw value: its payment says it all": """
        select topic, kafka_partition, kafka_offset from {payment_deliveries}
        where disposition = 'UNIQUE' and (raw_key is not null or raw_value is not null or headers is not null)
        """,
    "a DUPLICATE has a payment that it duplicates": """
        select d.topic, d.kafka_partition, d.kafka_offset from {payment_deliveries} as d
        left join {payment_transactions} as t on d.transaction_id = t.transaction_id
        where d.disposition = 'DUPLICATE' and t.transaction_id is null and {is_payment_in_reach}
        """,
}
