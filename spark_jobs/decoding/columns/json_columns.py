"""JSON values of one shape, many together: one typed reading by Arrow.

Belongs here: telling which values Arrow reads as decoding does, and reading them. Does not belong here: the other
values (decoding). Pure.

Arrow refuses names that are repeated, other types than those it expects and all that is no JSON. It does not tell where
a value ends: but no object goes on after a brace and a line's end with another brace. So if each value begins and ends
as an object does, then each is one object, or there are too many rows.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from spark_jobs.contract.payment_event import MAX_NESTING, MAX_VALUE_BYTES
from spark_jobs.decoding import json_documents
from spark_jobs.decoding.columns.places import Columns, Flags, Numbers, Place, laid_out
from spark_jobs.parsing.json_text import Refused

_FIRST, _CHUNK = 50, 500
"""Values that are read together. One that is not as the others costs them all the reading."""
_MOST_BYTES = 192 << 10
_MOST_COLUMNS = 250
"""Arrow makes a column of each name that it meets, with a row for each value: where names are ids, that is many rows.
Few values and bytes at a time bound it, and it is not done again in a batch."""
_MOST_FAILURES = 3
"""Chunks: after so many without one that could be read the others are not tried."""
_SAMPLE = 20
_OPEN, _CLOSE, _OPEN_LIST, _BACKSLASH = b"{}[\\"
_TYPES = {str: pa.string(), int: pa.int64(), bool: pa.bool_()}
_ODD_NUMBER = re.compile(rb"[0-9][eE]|NaN|Inf")
"""In Arrow's fractions, and nowhere else: no JSON, or more digits than anybody writes out."""

type _Shape = dict[str, "_Shape | pa.DataType"]


def json_columns(values: pa.BinaryArray, contents: Sequence[bytes | None], wanted: Collection[Place]) -> Columns | None:
    """The columns of the values that are read together; None where there are none.

    Args:
        values: the records' values.
        contents: the same, as Python has them.
        wanted: the places of the columns.
    """
    rows, sizes = _plain_rows(values)
    shape = _shape(_types(contents, rows, wanted), wanted)
    if shape is None:
        return None
    options = pyarrow.json.ParseOptions(explicit_schema=pa.schema(_fields(shape)), unexpected_field_behavior="infer")
    chosen: list[Numbers] = []
    tables: list[pa.Table] = []
    for number, chunk in enumerate(_chunks(rows, sizes)):
        table = _together([contents[row] for row in chunk.tolist()], options)
        if table is not None:
            tables.append(table.select(list(shape)))
            chosen.append(chunk)
            if _width(table) > _MOST_COLUMNS:
                break
        elif number + 1 >= _MOST_FAILURES and not chosen:
            break
    if not chosen:
        return None
    # What else an object has may change its columns from chunk to chunk, and mostly does not.
    alike = [pa.concat_tables(run).combine_chunks() for _, run in groupby(tables, key=lambda table: table.schema)]
    found = {place: pa.concat_arrays([_at(table, place) for table in alike]) for place in wanted}
    return Columns(np.concatenate(chosen), found)


def _plain_rows(values: pa.BinaryArray) -> tuple[Numbers, Numbers]:
    """The values that are perhaps objects, without what may be read in two ways; and how many bytes each has."""
    data, edges = laid_out(values)
    starts, stops, sizes = edges[:-1], edges[1:], np.diff(edges)
    is_plain = (sizes > 1) & (sizes <= MAX_VALUE_BYTES)
    is_plain &= (data.take(starts, mode="clip") == _OPEN) & (data.take(stops - 1, mode="clip") == _CLOSE)
    # However they are nested.
    is_plain &= _counts((data == _OPEN) | (data == _OPEN_LIST), edges) <= MAX_NESTING
    is_plain &= _counts(data == _BACKSLASH, edges) == 0
    return np.flatnonzero(is_plain), sizes[is_plain]


def _counts(is_it: Flags, edges: Numbers) -> Numbers:
    """How many bytes of each value are it."""
    return np.diff(np.searchsorted(np.flatnonzero(is_it), edges))


def _chunks(rows: Numbers, sizes: Numbers) -> Iterator[Numbers]:
    """The rows, so many at a time as are read together."""
    ends = np.cumsum(sizes)
    start, most = 0, _FIRST
    while start < len(rows):
        before = ends[start] - sizes[start]
        fitting = int(np.searchsorted(ends, before + _MOST_BYTES, side="right"))
        stop = max(start + 1, min(start + most, fitting))
        yield rows[start:stop]
        start, most = stop, _CHUNK


def _types(contents: Sequence[bytes | None], rows: Numbers, wanted: Collection[Place]) -> dict[Place, pa.DataType]:
    """The type of each place, from the first values that have something there."""
    types: dict[Place, Any] = {}
    for row in rows[:_SAMPLE].tolist():
        try:
            document = json_documents.read(contents[row] or b"")
        except Refused:
            continue
        for place in wanted:
            value: Any = document
            for name in place:
                value = value.get(name) if isinstance(value, dict) else None
            if value is not None:
                types.setdefault(place, _TYPES.get(type(value)))
        if len(types) == len(wanted):
            break
    return types


def _shape(types: dict[Place, pa.DataType], wanted: Collection[Place]) -> _Shape | None:
    """The types by their names; None where there is something else than a text or a number, or a place in another."""
    shape: _Shape = {}
    for place in wanted:
        type_ = types.get(place, pa.string())
        inner = shape
        for name in place[:-1]:
            below = inner.setdefault(name, {})
            if not isinstance(below, dict):
                return None
            inner = below
        if type_ is None or place[-1] in inner:
            return None
        inner[place[-1]] = type_
    return shape


def _fields(shape: _Shape) -> list[pa.Field]:
    return [
        pa.field(name, pa.struct(_fields(inner)) if isinstance(inner, dict) else inner) for name, inner in shape.items()
    ]


def _together(values: Sequence[bytes | None], options: pyarrow.json.ParseOptions) -> pa.Table | None:
    text = b"\n".join(values)  # type: ignore[arg-type]
    if b"\0" in text:
        return None  # Arrow takes it for the end.
    whole = pyarrow.json.ReadOptions(use_threads=False, block_size=len(text) + 1)
    try:
        text.decode()  # Arrow takes any bytes for text.
        table = pyarrow.json.read_json(pa.BufferReader(text), read_options=whole, parse_options=options)
    except (UnicodeDecodeError, pa.ArrowException):
        return None
    if table.num_rows != len(values) or ("double" in str(table.schema) and _ODD_NUMBER.search(text)):
        return None
    return table


def _width(table: pa.Table) -> int:
    """How many columns and members of columns there are."""
    return str(table.schema).count("\n")


def _at(table: pa.Table, place: Place) -> pa.Array:
    [column] = table[place[0]].chunks
    return pc.struct_field(column, list(place[1:])) if place[1:] else column
