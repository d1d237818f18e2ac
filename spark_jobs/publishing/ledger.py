"""What the ledger says of a batch, and what its digest is made of: the same in every sink.

Belongs here: the values, under the names of the ledger's columns. Does not belong here: writing them (sinks), the
form of the digest (tables).
"""

import json
from decimal import Decimal
from typing import Any

from spark_jobs.contract.payment_event import Disposition
from spark_jobs.publishing.batch import Batch
from spark_jobs.publishing.control import Control
from spark_jobs.source.offsets import offsets_to_json
from spark_jobs.tables.ledger_digest import claims


def ledger_of(batch: Batch, control: Control) -> dict[str, Any]:
    """The batch's values by name, with `partitions` and `amounts` as lists of rows.

    Args:
        batch: as it is published: what was published already is a DUPLICATE (retract).
        control: the control row that the batch follows on.
    """
    tally = batch.tally
    return {
        "pipeline": control.pipeline,
        "topic": control.topic,
        "generation": control.generation,
        "epoch": control.epoch,
        "batch_id": control.last_batch_id + 1,
        "spark_batch_id": batch.spark_batch_id,
        "contract_version": batch.contract.version,
        "start_offsets": offsets_to_json(batch.interval.start),
        "end_offsets": offsets_to_json(batch.interval.end),
        "delivered": tally.delivered,
        **{f"{name.lower()}_count": tally.count(name) for name in Disposition},
        "ignored_by_rule": json.dumps(tally.ignored_by_rule, sort_keys=True),
        "watermark_minutes": batch.watermark_minutes,
        "hole_count": sum(batch.holes.values()),
        "judged_at": batch.judged_at,
        "watermark": control.watermark,
        "next_watermark": batch.next_watermark,
        "partitions": [_partition_row(batch, partition) for partition in sorted(batch.interval.end)],
        "amounts": [
            {"disposition": d, "currency": c, "record_count": count, "amount_minor": Decimal(minor)}
            for (d, c), (count, minor) in sorted(tally.amounts.items())
        ],
    }


def claims_in(ledger: dict[str, Any], previous: str) -> str:
    """The claims of `ledger_of`, to be hashed into the batch's digest; `previous` is the control row's digest."""
    return claims(ledger, ledger["partitions"], ledger["amounts"], previous)


def _partition_row(batch: Batch, partition: int) -> dict[str, Any]:
    tally = batch.tally
    return {
        "kafka_partition": partition,
        "start_offset": batch.interval.start[partition],
        "end_offset": batch.interval.end[partition],
        "delivered": tally.delivered_in(partition),
        **{f"{name.lower()}_count": tally.count(name, partition) for name in Disposition},
        "hole_count": batch.holes.get(partition, 0),
    }
