"""Parsed columns into typed columns, hashes and the reasons for quarantine.

Belongs here: running the contract's rules over a table of records. Does not belong here: the rules
(validation_rules), reading JSON (json_parsing), deciding duplicates (deduplication). Pure: the engine is an in-process
DuckDB that touches no file.
"""

import threading
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.contract.code_lists import CURRENCY, CodeLists, lists_of_now
from spark_jobs.contract.payment_event import FIELDS, V1_FIELDS, V2_FIELDS, Field, UnreadableLabels
from spark_jobs.contract.times import to_microseconds
from spark_jobs.parsing.json_parsing import PARSED_SCHEMA
from spark_jobs.parsing.validation_rules import FINE_QUERY, FIRST_FINE_QUERY, OTHER_QUERY

_TIMESTAMP = pa.timestamp("us", "UTC")
_AMOUNT = pa.decimal128(38, 9)
"""BigQuery's NUMERIC. The engine reads amounts as decimal(18, 4), which holds all that the contract allows."""

VALIDATED_SCHEMA = pa.schema(
    [
        *(
            pa.field(f.name, {"TIMESTAMP": _TIMESTAMP, "NUMERIC": _AMOUNT}.get(f.bigquery_type, pa.string()))
            for f in FIELDS
        ),
        pa.field("amount_minor", pa.int64()),
        pa.field("extra_fields", pa.string()),
        pa.field("id_hash", pa.binary(16)),
        pa.field("payload_hash", pa.binary(16)),
        pa.field("dropped_labels", pa.string()),
        pa.field("reasons", pa.list_(pa.string())),
    ]
)
"""One row per record. A field whose value breaks its rule is null. `reasons` is empty where the payment is valid;
`payload_hash` is null where the payment is not valid. `dropped_labels` is what was written in labels that break their
rule and do not hold the payment back, as a JSON object; null where there are none."""

_SLACK = timedelta(days=1)
"""A day begins and ends somewhere up to 14 hours before, and 12 after, it does in UTC."""
_ALWAYS = (-(2**62), 2**62)

_OTHER = {UnreadableLabels.NULL: "other(false)", UnreadableLabels.HOLD: "other(true)"}
EARLIEST_US, LATEST_US = 0, 253_402_300_799_999_999
"""1970 and the last microsecond of 9999: a Kafka timestamp that is not between them was never a time."""

_NONE = pa.array([], VALIDATED_SCHEMA.field("reasons").type)


def validate(
    parsed: pa.Table, kafka_timestamps: pa.Array, lists: CodeLists | None = None, clocks: pa.Array | None = None
) -> pa.Table:
    """Columns of VALIDATED_SCHEMA, one row per row of `parsed` (parsing.PARSED_SCHEMA), in order.

    Nearly every payment is fine: its texts are taken as they are, and only the others are asked what is wrong.

    Args:
        parsed: what parsing.parse returned.
        kafka_timestamps: when each record was written to the broker; timestamp[us, UTC], as long as `parsed`.
        lists: the codes that they are held against; default: those of now.
        clocks: what an event must not be ahead of either, where that is earlier than the timestamp; nulls are not
            looked at.
    """
    lists = lists or lists_of_now()
    parsed = parsed.combine_chunks()
    has_later = any(parsed[field.name].null_count < len(parsed) for field in V2_FIELDS)
    fields = FIELDS if has_later else V1_FIELDS
    records = _records(parsed, kafka_timestamps, lists, clocks, fields)
    judged = _ask("fine" if has_later else "first_fine", records)
    judged = judged.append_column("dropped_labels", pa.nulls(judged.num_rows, pa.string()))
    is_other = pc.equal(judged["is_fine"].combine_chunks(), 0)
    texts_and_values = [
        (judged if field.name in judged.column_names else parsed)[field.name].cast(field.type)
        for field in VALIDATED_SCHEMA
        if field.name != "reasons"
    ]
    if not is_other.true_count:
        return pa.Table.from_arrays([*texts_and_values, _reasons(is_other, _NONE)], schema=VALIDATED_SCHEMA)
    records = _records(
        parsed.filter(is_other),
        kafka_timestamps.filter(is_other),
        lists,
        None if clocks is None else clocks.filter(is_other),
    )
    others = _ask(_OTHER[lists.unreadable_labels], records).cast(VALIDATED_SCHEMA).combine_chunks()
    *replaced, reasons = (column.chunk(0) for column in others.columns)
    merged = [pc.replace_with_mask(c, is_other, other) for c, other in zip(texts_and_values, replaced, strict=True)]
    return pa.Table.from_arrays([*merged, _reasons(is_other, reasons)], schema=VALIDATED_SCHEMA)


def _reasons(is_other: pa.BooleanArray, of_others: pa.ListArray) -> pa.Array:
    """Those of the others in their places, and none between."""
    lengths = np.zeros(len(is_other) + 1, np.int32)
    lengths[1:][np.asarray(is_other)] = of_others.value_lengths().to_numpy()
    return pa.ListArray.from_arrays(pa.array(np.cumsum(lengths, dtype=np.int32)), of_others.flatten())


def _ask(query: str, records: pa.Table) -> pa.Table:
    if _OF_THREAD.engine is None:
        _OF_THREAD.engine = _planned()
    engine, asked = _OF_THREAD.engine
    name = "first_records" if query == "first_fine" else "records"
    asked[name].records = records
    try:
        return engine.execute(f"execute {query}").to_arrow_table()
    finally:
        asked[name].records = records.schema.empty_table()


def _records(
    parsed: pa.Table,
    kafka_timestamps: pa.Array,
    lists: CodeLists,
    clocks: pa.Array | None = None,
    fields: tuple[Field, ...] = FIELDS,
) -> pa.Table:
    """What the queries call `records`, and, of fewer fields, `first_records`."""
    if fields is not FIELDS:
        parsed = parsed.select([*(field.name for field in fields), "extra_fields", "parse_reasons"])
    written = kafka_timestamps.cast(pa.int64())
    judged_by = written if clocks is None else pc.min_element_wise(written, clocks.cast(pa.int64()))
    is_a_time = pc.and_(pc.greater(written, EARLIEST_US), pc.less(written, LATEST_US))
    records = parsed.append_column("kafka_us", judged_by).append_column("timestamp_ok", is_a_time)
    for name, column in _looked_up(parsed, lists, fields).items():
        records = records.append_column(name, column)
    return records


def _looked_up(parsed: pa.Table, lists: CodeLists, fields: tuple[Field, ...]) -> dict[str, pa.ChunkedArray]:
    """What a code is held against a list for, by hash: the engine would compare each with all of hundreds."""
    currency = pc.index_in(parsed[CURRENCY], value_set=pa.array(lists.minor_units, pa.string()))
    periods = [_period(*lists.periods.get(code, ("", ""))) for code in lists.minor_units]
    listed = {f.name: pa.array(lists.of(f.name), pa.string()) for f in fields if f.values}
    return {
        "minor_unit": pc.take(pa.array(lists.minor_units.values(), pa.int32()), currency),
        "valid_from_us": pc.take(pa.array([period[0] for period in periods], pa.int64()), currency),
        "valid_to_us": pc.take(pa.array([period[1] for period in periods], pa.int64()), currency),
        **{f"{name}_ok": pc.is_in(parsed[name], value_set=codes) for name, codes in listed.items()},
    }


def _period(valid_from: str, valid_to: str) -> tuple[int, int]:
    """In microseconds since 1970, wherever on earth the days are counted."""
    start, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) if day else None for day in (valid_from, valid_to))
    return (
        _ALWAYS[0] if start is None else to_microseconds(start - _SLACK) or 0,
        _ALWAYS[1] if end is None else to_microseconds(end + _SLACK) or 0,
    )


class _Asked:
    """The records that the engine reads: they change from query to query, and this stays."""

    def __init__(self, records: pa.Table) -> None:
        self.records = records

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.records.__arrow_c_stream__(requested_schema)


type _Engine = tuple[duckdb.DuckDBPyConnection, dict[str, _Asked]]


class _OfThread(threading.local):
    """An engine for each thread: of two that ask one engine at once, one would be answered about the other's records.

    Made on first use, after Spark has forked its workers.
    """

    engine: _Engine | None = None


_OF_THREAD = _OfThread()


def _planned() -> _Engine:
    """A connection with the queries planned: to plan one takes longer than to judge a thousand rows."""
    # Lossless: a 128-bit number arrives as its 16 bytes. Those of an MD5 are the digest as it is written.
    engine = duckdb.connect(config={"threads": 1, "arrow_lossless_conversion": True})
    none, no_times = PARSED_SCHEMA.empty_table(), pa.array([], _TIMESTAMP)
    asked = {
        "records": _Asked(_records(none, no_times, lists_of_now())),
        "first_records": _Asked(_records(none, no_times, lists_of_now(), fields=V1_FIELDS)),
    }
    for name, records in asked.items():
        engine.register(name, records)
    engine.execute(f"prepare first_fine as {FIRST_FINE_QUERY}")
    engine.execute(f"prepare fine as {FINE_QUERY}")
    engine.execute(f"prepare other as {OTHER_QUERY}")
    return engine, asked
