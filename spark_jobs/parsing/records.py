"""A batch of Kafka records, parsed and validated: one row for each record.

Belongs here: the schema of a record, and the two steps that make it. Does not belong here: the steps themselves
(json_parsing, validation).
"""

import hashlib

import pyarrow as pa

from spark_jobs.contract.code_lists import CodeLists
from spark_jobs.parsing.json_parsing import parse
from spark_jobs.parsing.validation import VALIDATED_SCHEMA, validate

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


def read_records(batch: pa.RecordBatch, lists: CodeLists | None = None) -> pa.Table:
    """RECORD_SCHEMA from KAFKA_COLUMNS: parsed, and validated by these lists of codes; default: those of now."""
    values = batch.column("value").to_pylist()
    timestamps = batch.column("timestamp").cast(pa.timestamp("us", "UTC"))
    # Keys matter only where a value is missing, which is rare.
    keys = batch.column("key").to_pylist() if batch.column("value").null_count else None
    validated = validate(parse(values, keys), timestamps, lists)
    sha256 = pa.array([hashlib.sha256(value or b"").digest() for value in values], pa.binary(32))
    coordinates = [batch.column("partition"), batch.column("offset"), timestamps, batch.column("key")]
    is_ignored = pa.repeat(pa.scalar(False), len(values))
    columns = [*coordinates, batch.column("value"), sha256, *validated.columns, is_ignored]
    return pa.Table.from_arrays(columns, schema=RECORD_SCHEMA)
