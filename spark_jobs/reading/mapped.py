"""Records of another shape by their mapping: many at once where they are plain, and one by one where not.

Belongs here: which records go which way, and their order. Does not belong here: the ways (decoding, mapping).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.contract.code_lists import CodeLists
from spark_jobs.decoding.columns.batches import columns_of
from spark_jobs.decoding.columns.places import Numbers
from spark_jobs.decoding.documents import Format, decode
from spark_jobs.decoding.registered import Registered
from spark_jobs.mapping.apply import apply
from spark_jobs.mapping.by_columns import Judged, column_mapping
from spark_jobs.mapping.spec import Mapping
from spark_jobs.parsing.json_parsing import PARSED_SCHEMA
from spark_jobs.reading.headers import lists_of


class MappedRecords(NamedTuple):
    """Of each record of a batch, in order.

    Args:
        parsed: PARSED_SCHEMA, with nothing in it where a rule says that the record is no payment.
        rules: that rule's name.
        dropped: what was written in fields that the mapping leaves empty, as a JSON object.
    """

    parsed: pa.Table
    rules: pa.StringArray
    dropped: pa.StringArray


def read_mapped(
    batch: pa.RecordBatch,
    values: Sequence[bytes | None],
    timestamps: pa.Array,
    lists: CodeLists,
    mapping: Mapping,
    registered: Registered | None = None,
) -> MappedRecords:
    """What the mapping makes of a batch.

    Args:
        batch: KAFKA_COLUMNS.
        values: its values, as Python has them.
        timestamps: its timestamps, within bounds.
        lists: the codes that the records are held against.
        mapping: what they mean.
        registered: the registry's schemas; default: those of the process.

    Raises:
        RegistryUnavailable: a schema is not known yet, and the registry cannot be asked.
    """
    parts = _at_once(batch, values, lists, mapping, registered)
    is_left = np.ones(len(values), np.bool_)
    for part in parts:
        is_left[part.rows] = False
    [left] = np.nonzero(is_left)
    if left.size or not parts:
        parts.append(_one_by_one(batch, values, timestamps, lists, mapping, registered, left))
    parsed, rules, dropped = _in_order(parts)
    if rules.null_count == len(rules):
        return MappedRecords(parsed, rules, dropped)
    parsed = parsed.combine_chunks()
    *nothing, no_text = (
        pc.if_else(rules.is_valid(), pa.scalar(None, column.type), column) for column in (*parsed.columns, dropped)
    )
    return MappedRecords(pa.Table.from_arrays(nothing, schema=PARSED_SCHEMA), rules, no_text)


def headers_in(batch: pa.RecordBatch) -> pa.ListArray | None:
    """The column of headers, which may lack."""
    return batch.column("headers") if "headers" in batch.schema.names else None


def _at_once(
    batch: pa.RecordBatch,
    values: Sequence[bytes | None],
    lists: CodeLists,
    mapping: Mapping,
    registered: Registered | None,
) -> list[Judged]:
    by_columns = column_mapping(mapping, tuple(lists.minor_units.items()))
    if by_columns is None:
        return []
    column, places = batch.column("value").cast(pa.binary()), by_columns.places
    columns = columns_of(column, values, headers_in(batch), Format(mapping.format), places, registered)
    return [by_columns.judge(each) for each in columns]


def _one_by_one(
    batch: pa.RecordBatch,
    values: Sequence[bytes | None],
    timestamps: pa.Array,
    lists: CodeLists,
    mapping: Mapping,
    registered: Registered | None,
    rows: Numbers,
) -> Judged:
    chosen = pa.array(rows)
    keys = batch.column("key").take(chosen).to_pylist()
    of_records = headers_in(batch)
    headers = None if of_records is None else lists_of(of_records.take(chosen))
    of_rows = [values[row] for row in rows.tolist()]
    documents = decode(of_rows, keys, headers, Format(mapping.format), registered)
    mapped = apply(mapping, documents, keys, headers, timestamps.take(chosen), lists.minor_units)
    texts = (pa.array(of_each, pa.string()) for of_each in (mapped.ignored, mapped.dropped))
    return Judged(rows, mapped.parsed, *texts)


def _in_order(parts: Sequence[Judged]) -> MappedRecords:
    if len(parts) == 1:
        return MappedRecords(parts[0].parsed, parts[0].ignored, parts[0].dropped)
    order = pa.array(np.argsort(np.concatenate([part.rows for part in parts])))
    parsed = pa.concat_tables([part.parsed for part in parts]).take(order)
    ignored = pa.concat_arrays([part.ignored for part in parts]).take(order)
    return MappedRecords(parsed, ignored, pa.concat_arrays([part.dropped for part in parts]).take(order))
