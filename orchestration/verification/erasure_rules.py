"""Erased deliveries beside their receipts: together they are what was published. Pure.

Belongs here: adding receipts to what is counted, rules over erasures in BigQuery's SQL. Does not belong here: comparing
with the ledger (ledger_rules), erasing (spark_jobs.erasure).
"""

from collections import Counter
from collections.abc import Sequence

from spark_jobs.contract.payment_event import ERASED
from spark_jobs.tables.erasure_tables import BLANK_DELIVERY, ERASURE_HASH
from spark_jobs.tables.row_types import ReadRow

type Money = tuple[int, int]
"""Records and minor units."""

_SPEAKS = " or ".join(f"{column} is not null" for column in BLANK_DELIVERY)
_AT = "min(topic) as topic, min(kafka_partition) as kafka_partition, min(min_offset) as kafka_offset"

ERASURE_RULES = {
    "an erased delivery says nothing": f"""
        select topic, kafka_partition, kafka_offset from {{payment_deliveries}}
        where disposition = '{ERASED}' and ({_SPEAKS} or array_length(reasons) > 0)
        """,
    "a receipt is as it was written": f"""
        select topic, kafka_partition, min_offset as kafka_offset from {{payment_erasures}}
        where erasure_hash != {ERASURE_HASH}
        """,
    "an erasure has its ids": f"""
        select e.topic, e.kafka_partition, e.kafka_offset
        from (
            select erasure_id, min(erased_ids) as fewest, max(erased_ids) as most, {_AT}
            from {{payment_erasures}} group by erasure_id) as e
        full outer join (
            select erasure_id, count(distinct id_hash) as id_count from {{payment_erased_ids}} group by erasure_id) as i
            on e.erasure_id = i.erasure_id
        where e.fewest is null or e.fewest != coalesce(i.id_count, 0) or e.most != coalesce(i.id_count, 0)
        """,
}


def published_counts(delivery_counts: Sequence[ReadRow], erasures: Sequence[ReadRow]) -> Counter[tuple[int, int, str]]:
    """Deliveries by batch, partition and what they were published as."""
    counts: Counter[tuple[int, int, str]] = Counter()
    for row in (*delivery_counts, *erasures):
        if row["disposition"] != ERASED:
            counts[row["batch_id"], row["kafka_partition"], row["disposition"]] += row["record_count"]
    return counts


def published_amounts(
    delivery_amounts: Sequence[ReadRow], erasures: Sequence[ReadRow]
) -> dict[tuple[int, str, str], Money]:
    """Their records and money by batch, what they were published as, and currency."""
    sums: dict[tuple[int, str, str], Money] = {}
    for row in (*delivery_amounts, *erasures):
        if row["disposition"] != ERASED:
            key = row["batch_id"], row["disposition"], row["currency"]
            count, minor = sums.get(key, (0, 0))
            sums[key] = (count + row["record_count"], minor + row["amount_minor"])
    return sums


def erased_and_receipted(
    delivery_counts: Sequence[ReadRow], erasures: Sequence[ReadRow]
) -> tuple[dict[tuple[int, int], int], dict[tuple[int, int], int]]:
    """Erased deliveries by batch and partition: as receipts count them, and as they are stored."""
    reported: Counter[tuple[int, int]] = Counter()
    found: Counter[tuple[int, int]] = Counter()
    for row in erasures:
        reported[row["batch_id"], row["kafka_partition"]] += row["record_count"]
    for row in delivery_counts:
        if row["disposition"] == ERASED:
            found[row["batch_id"], row["kafka_partition"]] += row["record_count"]
    return reported, found
