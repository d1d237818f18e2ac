"""Payments with retries among them, and whether the warehouse holds each exactly once.

Belongs here: sending and asserting, through a World. Does not belong here: what ought to be (the oracle).
"""

from collections.abc import Sequence
from itertools import count

from spark_jobs.contract.payment_event import Disposition
from spark_jobs.sinks.delta.tables import METRICS
from spark_jobs.tables import catalog
from spark_jobs.tables.row_types import Row
from tests.faults.oracle import Oracle, Sent
from tests.world import World, event

_ids = count(1)


def send(world: World, oracle: Oracle, values: Sequence[bytes], partition: int = 0) -> None:
    """These records, in one partition; the oracle is told of each and its place."""
    places = world.send(values, partition=partition)
    oracle.sent += [Sent(place, value) for place, value in zip(places, values, strict=True)]


def send_some(world: World, oracle: Oracle) -> None:
    """A few payments on each partition, one of them a retry of an earlier one, one twice in the same batch."""
    for partition in (0, 1):
        fresh = [event(f"payment-{next(_ids)}") for _ in range(5)]
        retried = [record.value for record in oracle.sent[-3:]]
        send(world, oracle, [*fresh, fresh[0], *retried], partition)


def assert_exactly_once(world: World, oracle: Oracle) -> None:
    found = {place: (row["disposition"], row["value_sha256"].hex()) for place, row in world.deliveries().items()}
    assert found == oracle.expected_deliveries()
    rows = world.rows(catalog.TRANSACTIONS, "transaction_id, amount, kafka_partition, kafka_offset")
    transactions = [
        (r["transaction_id"], f"{r['amount']:.2f}", (r["kafka_partition"], r["kafka_offset"])) for r in rows
    ]
    assert len(set(transactions)) == len(transactions)
    assert set(transactions) == oracle.expected_transactions()
    ledger = sorted(world.rows(catalog.LEDGER), key=lambda row: row["batch_id"])
    assert [row["batch_id"] for row in ledger] == list(range(1, len(ledger) + 1))
    assert [row["epoch"] for row in ledger] == sorted(row["epoch"] for row in ledger)
    assert sum(row["delivered"] for row in ledger) == len(oracle.sent)
    if world.settings.has_delta:
        assert_delta_is_the_same(world)


def assert_delta_is_the_same(world: World) -> None:
    """Row by row and column by column; of the metrics, what both write alike."""
    for table in (catalog.DELIVERIES, catalog.TRANSACTIONS):
        found, given = world.delta_rows(table), world.rows(table)
        assert sorted(found, key=_place) == sorted(given, key=_place)
    counts = tuple(f"{disposition.lower()}_count" for disposition in Disposition)
    numbers = ("batch_id", "delivered", *counts, "ignored_by_rule")
    texts = (
        "generation",
        "spark_batch_id",
        "epoch",
        "start_offsets",
        "end_offsets",
        "watermark",
        "next_watermark",
        "digest",
    )
    columns = [*numbers, *texts]
    told_metrics = [tuple(row.values()) for row in world.rows(catalog.LEDGER, ", ".join(columns))]
    found_metrics = [tuple(row[name] for name in columns) for row in world.delta_rows(METRICS)]
    assert sorted(found_metrics) == sorted(told_metrics)


def _place(row: Row) -> tuple[int, int]:
    return row["kafka_partition"], row["kafka_offset"]
