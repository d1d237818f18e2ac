"""A batch of Kafka records, parsed and validated: one row for each record.

Belongs here: the schema of a record, and the two steps that make it. Does not belong here: the steps themselves
(json_parsing, validation).
"""

import hashlib

import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.contract.code_lists import CodeLists
from spark_jobs.parsing.json_parsing import parse
from spark_jobs.parsing.validation import EARLIEST_US, LATEST_US, VALIDATED_SCHEMA, validate

_TIMESTAMP = pa.timestamp("us", "UTC")


RECORD_SCHEMA = pa.schema(
    [
        pa.field("kafka_partition", pa.int32()),
        pa.field("kafka_offset", pa.int64()),
        pa.field("kafka_timestamp", _TIMESTAMP),
        pa.field("raw_key", pa.binary()),
        pa.field("raw_value", pa.binary()),
        pa.field("value_sha256", pa.binary(32)),
        *VALIDATED_SCHEMA,
        pa.field("is_ignored", pa.bool_()),
    ]
)
"""A validated record on its way to its bucket. Where `is_ignored`, the one reason is the rule of the mapping that says
that it is no payment, and no field of a payment is read."""


KAFKA_COLUMNS = ("partition", "offset", "timestamp", "key", "value")

NO_RECORDS = pa.RecordBatch.from_arrays(
    [pa.array([], type_) for type_ in (pa.int32(), pa.int64(), _TIMESTAMP, pa.binary(), pa.binary())],
    names=list(KAFKA_COLUMNS),
)
"""KAFKA_COLUMNS of no record."""


CLOCK = "clock"
"""A column beside KAFKA_COLUMNS, which may lack: when the batch was planned, null where the broker set the timestamp.

A sender's clock says nothing of how far in the future its event is: the earlier of the two does.
"""


def read_records(batch: pa.RecordBatch, lists: CodeLists | None = None) -> pa.Table:
    """RECORD_SCHEMA from KAFKA_COLUMNS: parsed, and validated by these lists of codes; default: those of now."""
    values = batch.column("value").to_pylist()
    timestamps = _within_bounds(batch.column("timestamp"))
    clocks = batch.column(CLOCK).cast(_TIMESTAMP) if CLOCK in batch.schema.names else None
    # Keys matter only where a value is missing, which is rare.
    keys = batch.column("key").to_pylist() if batch.column("value").null_count else None
    validated = validate(parse(values, keys), timestamps, lists, clocks)
    sha256 = pa.array([hashlib.sha256(value or b"").digest() for value in values], pa.binary(32))
    coordinates = [batch.column("partition"), batch.column("offset"), timestamps, batch.column("key")]
    is_ignored = pa.repeat(pa.scalar(False), len(values))
    columns = [*coordinates, batch.column("value"), sha256, *validated.columns, is_ignored]
    return pa.Table.from_arrays(columns, schema=RECORD_SCHEMA)


def _within_bounds(timestamps: pa.Array) -> pa.Array:
    """What is beyond them is kept as the nearer: no warehouse could hold it, and it is still none."""
    microseconds = timestamps.cast(_TIMESTAMP).cast(pa.int64())
    kept = pc.min_element_wise(pc.max_element_wise(microseconds, EARLIEST_US), LATEST_US)
    return kept.cast(_TIMESTAMP)
