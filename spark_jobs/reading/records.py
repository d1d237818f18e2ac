"""A batch of Kafka records, read and judged: one row for each record.

Belongs here: the schema of a record, and the steps that make it, without a mapping and with one. Does not belong here:
the steps themselves (decoding, mapping, parsing).
"""

import hashlib

import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.contract.code_lists import CodeLists, lists_of_now
from spark_jobs.mapping.spec import Mapping
from spark_jobs.parsing.json_parsing import parse
from spark_jobs.parsing.schema_versions import versions_of
from spark_jobs.parsing.validation import EARLIEST_US, LATEST_US, VALIDATED_SCHEMA, validate
from spark_jobs.reading.headers import HEADERS_TYPE, TEXTS_TYPE, texts_of
from spark_jobs.reading.mapped import headers_in, read_mapped

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
        pa.field("headers", TEXTS_TYPE),
    ]
)
"""A validated record on its way to its bucket. Where `is_ignored`, the one reason is the rule of the mapping that says
that it is no payment, and no field of a payment is read."""


KAFKA_COLUMNS = ("partition", "offset", "timestamp", "key", "value", "headers")
"""As Spark's Kafka source calls them. Whoever reads records elsewhere may leave `headers` out."""

NO_RECORDS = pa.RecordBatch.from_arrays(
    [pa.array([], type_) for type_ in (pa.int32(), pa.int64(), _TIMESTAMP, pa.binary(), pa.binary(), HEADERS_TYPE)],
    names=list(KAFKA_COLUMNS),
)
"""KAFKA_COLUMNS of no record."""


CLOCK = "clock"
"""A column beside KAFKA_COLUMNS, which may lack: when the batch was planned, null where the broker set the timestamp.

A sender's clock says nothing of how far in the future its event is: the earlier of the two does.
"""


def read_records(batch: pa.RecordBatch, lists: CodeLists | None = None, mapping: Mapping | None = None) -> pa.Table:
    """RECORD_SCHEMA from KAFKA_COLUMNS, judged.

    Args:
        batch: KAFKA_COLUMNS, with or without CLOCK.
        lists: the codes that they are held against; default: those of now.
        mapping: what the topic's events mean; None: they are the contract's own.
    """
    values = batch.column("value").to_pylist()
    timestamps = _within_bounds(batch.column("timestamp"))
    clocks = batch.column(CLOCK).cast(_TIMESTAMP) if CLOCK in batch.schema.names else None
    lists = lists or lists_of_now()
    if mapping is None:
        # Keys matter only where a value is missing, which is rare.
        keys = batch.column("key").to_pylist() if batch.column("value").null_count else None
        validated = validate(parse(values, keys, _versions(batch)), timestamps, lists, clocks)
        is_ignored = pa.repeat(pa.scalar(False), len(values))
    else:
        mapped = read_mapped(batch, values, timestamps, lists, mapping)
        validated = _with_dropped(validate(mapped.parsed, timestamps, lists, clocks), mapped.dropped)
        validated, is_ignored = _with_rules(validated, mapped.rules), mapped.rules.is_valid()
    sha256 = pa.array([hashlib.sha256(value or b"").digest() for value in values], pa.binary(32))
    coordinates = [batch.column("partition"), batch.column("offset"), timestamps, batch.column("key")]
    headers = texts_of(headers_in(batch), len(values))
    columns = [*coordinates, batch.column("value"), sha256, *validated.columns, is_ignored, headers]
    return pa.Table.from_arrays(columns, schema=RECORD_SCHEMA)


def _versions(batch: pa.RecordBatch) -> pa.StringArray | None:
    """Which version each record's value is of. What has no value is of none: its key alone says what it deletes."""
    versions = versions_of(headers_in(batch))
    if versions is None or not batch.column("value").null_count:
        return versions
    return pc.if_else(batch.column("value").is_valid(), versions, pa.scalar(None, pa.string()))


def _with_dropped(validated: pa.Table, dropped: pa.StringArray) -> pa.Table:
    """What the mapping left out of a payment beside what the contract did: both are JSON objects, of other fields."""
    if dropped.null_count == len(dropped):
        return validated
    validated = validated.combine_chunks()
    at = validated.schema.get_field_index("dropped_labels")
    is_payment = pc.equal(pc.list_value_length(validated["reasons"]), 0)
    by_contract = validated["dropped_labels"]
    both = pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(dropped, 0, -1), pc.utf8_slice_codeunits(by_contract, 1), ","
    )
    merged = pc.if_else(is_payment, pc.coalesce(both, dropped, by_contract), by_contract)
    return validated.set_column(at, VALIDATED_SCHEMA.field(at), merged)


def _with_rules(validated: pa.Table, rules: pa.StringArray) -> pa.Table:
    """The rule's name as the one reason of a record that is ignored."""
    if rules.null_count == len(rules):
        return validated
    validated = validated.combine_chunks()
    at = validated.schema.get_field_index("reasons")
    reasons = [
        reason if rule is None else [rule]
        for rule, reason in zip(rules.to_pylist(), validated["reasons"].to_pylist(), strict=True)
    ]
    field = VALIDATED_SCHEMA.field(at)
    return validated.set_column(at, field, pa.array(reasons, field.type))


def _within_bounds(timestamps: pa.Array) -> pa.Array:
    """What is beyond them is kept as the nearer: no warehouse could hold it, and it is still none."""
    microseconds = timestamps.cast(_TIMESTAMP).cast(pa.int64())
    kept = pc.min_element_wise(pc.max_element_wise(microseconds, EARLIEST_US), LATEST_US)
    return kept.cast(_TIMESTAMP)
