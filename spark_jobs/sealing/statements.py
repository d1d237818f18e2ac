"""The SQL of a sealed day: its payments as they were sealed, their sums, and the hash tree over them.

Belongs here: texts of queries, in BigQuery's SQL, over `{transactions}` and `{corrections}`. Does not belong here:
running them, hashes in Python (hash_tree).

They take `since` and `until`, the day's bounds, `corrections`, the newest correction_id that the seal knows, and
`decided_since`, a moment before the next was decided. Each reads one day of payment_transactions, and of
payment_corrections what was decided since: SUMS the times, currencies, amounts and hashes; a tree ids, topics and
offsets beside them.
"""

_COLUMNS = """transaction_id, event_time, currency, amount_minor, payment_kind, value_sha256, topic, kafka_partition,
    kafka_offset"""
_OF_THE_DAY = "event_time >= @since and event_time < @until"

# What was put in since is taken out again, and what was taken out is put back: the day as it was sealed.
PAYMENTS = f"""payments as (
    select {_COLUMNS}, sum(added) as times
    from (
        select {_COLUMNS}, 1 as added from {{transactions}} where {_OF_THE_DAY}
        union all
        select {_COLUMNS}, -payments_added as added from {{corrections}}
        where correction_id > @corrections and decided_at >= @decided_since and payments_added != 0 and {_OF_THE_DAY}
    )
    group by {_COLUMNS}
    having sum(added) != 0
)"""

SUMS = f"""with {PAYMENTS}
select currency, sum(times) as payment_count, sum(times * cast(amount_minor as numeric)) as amount_minor,
    sum(times * cast(cast(concat('0x', substr(to_hex(value_sha256), 1, 15)) as int64) as numeric)) as hash_total
from payments
group by currency
order by currency"""

_LEAVES = """leaves as (
    select to_hex(sha256(transaction_id)) as id_hash, to_hex(sha256(array_to_string([
        transaction_id, cast(unix_micros(event_time) as string), currency, cast(amount_minor as string),
        to_hex(value_sha256), topic, cast(kafka_partition as string), cast(kafka_offset as string),
        coalesce(payment_kind, 'payment'), cast(times as string)], chr(31)))) as leaf
    from payments
)"""


def _tree(depth: int) -> str:
    """Tables `payments`, `leaves`, and `level_N` of prefixes with N digits and their hashes, down to 0."""
    levels = [
        f"""level_{depth} as (
    select substr(id_hash, 1, {depth}) as prefix,
        to_hex(sha256(string_agg(concat(id_hash, leaf), '' order by id_hash, leaf))) as digest
    from leaves
    group by substr(id_hash, 1, {depth})
)"""
    ]
    for level in reversed(range(depth)):
        digit = f"substr(prefix, {level + 1}, 1)"
        levels.append(
            f"""level_{level} as (
    select substr(prefix, 1, {level}) as prefix,
        to_hex(sha256(string_agg(concat({digit}, digest), '' order by {digit}))) as digest
    from level_{level + 1}
    group by substr(prefix, 1, {level})
)"""
        )
    return ",\n".join((f"with {PAYMENTS}", _LEAVES, *levels))


def root(depth: int) -> str:
    """A query of one row, the root of a tree of that depth; of none where the day has no payment."""
    return f"{_tree(depth)}\nselect digest from level_0"


def way(depth: int) -> str:
    """A query of what a proof needs: the bucket's entries, and the branches of each node on the way to the root.

    It takes `id_hash` as well. Rows are `level`, `name` and `digest`; an entry's level is `depth` + 1.
    """
    parts = [
        f"select {depth + 1} as level, id_hash as name, leaf as digest from leaves "
        f"where substr(id_hash, 1, {depth}) = substr(@id_hash, 1, {depth})",
        *(
            f"select {level} as level, substr(prefix, {level}, 1) as name, digest from level_{level} "
            f"where substr(prefix, 1, {level - 1}) = substr(@id_hash, 1, {level - 1})"
            for level in range(1, depth + 1)
        ),
    ]
    return f"{_tree(depth)}\n" + "\nunion all\n".join(parts) + "\norder by level, name, digest"


PAYMENT = f"""with {PAYMENTS}
select transaction_id, unix_micros(event_time) as event_micros, currency, amount_minor,
    to_hex(value_sha256) as value_sha256, topic, kafka_partition, kafka_offset,
    coalesce(payment_kind, 'payment') as payment_kind, times
from payments
where transaction_id = @transaction_id
order by topic, kafka_partition, kafka_offset"""
"""What a day's seal knows of one id: a row for each delivery that is stored as a payment."""
