"""JSON values of one shape, many together: one typed reading by Arrow.

Belongs here: telling which values Arrow reads as decoding does, and reading them. Does not belong here: the other
values (decoding). Pure.

Arrow refuses names that are repeated, other types than those it expects and all that is no JSON. It does not tell where
a value ends: but no object goes on after a brace and a line's end with another brace. So if each value begins and ends
as an object does, then each is one object, or there are too many rows.
"""

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
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

_CHUNK = 1_000
"""Values that are read together. A call costs as much as a hundred of them."""
_PIECE, _PIECE_BYTES = 50, 64 << 10
"""Values of which it is found out which members they have."""
_MOST_COLUMNS = 250
"""Members and their members: where names are ids there is no end of them, and Arrow makes a column of each."""
_MOST_LOST, _MOST_LOST_PART = 64 << 10, 0.01
"""Bytes of pieces that could not be read, and how much of all. Beyond that the rest is not tried."""
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
    reading = _Reading(contents, sizes, pa.schema(_fields(shape)))
    reading.read(rows[:_PIECE])
    for start in range(_PIECE, len(rows), _CHUNK):
        reading.read(rows[start : start + _CHUNK])
    if not reading.rows:
        return None
    # What else an object has may change its columns on the way, and mostly does not.
    runs = [
        pa.concat_tables(run).combine_chunks() for _, run in groupby(reading.tables, key=lambda table: table.schema)
    ]
    found = {place: pa.concat_arrays([_at(table, place) for table in runs]) for place in wanted}
    return Columns(np.concatenate(reading.rows), found)


class _Reading:
    """Values of which the places are known, and by and by the other members.

    Args:
        contents: all values.
        sizes: how many bytes each has.
        asked: the columns of the places.
    """

    def __init__(self, contents: Sequence[bytes | None], sizes: Numbers, asked: pa.Schema) -> None:
        self.rows: list[Numbers] = []
        self.tables: list[pa.Table] = []
        self._contents = contents
        self._sizes = sizes
        self._asked = self._known = asked
        self._may_lose = _MOST_LOST + _MOST_LOST_PART * int(sizes.sum())

    def read(self, rows: Numbers) -> None:
        """Read what can be read of these rows: all, or their halves, down to pieces."""
        if self._may_lose < 0 or not len(rows):
            return
        size = int(self._sizes[rows].sum())
        table = self._table(rows, self._known, "error")
        if table is None and len(rows) > 1 and (len(rows) > _PIECE or size > _PIECE_BYTES):
            middle = len(rows) // 2
            self.read(rows[:middle])
            self.read(rows[middle:])
            return
        if table is None:
            table = self._table(rows, self._asked, "infer")
            if table is None:
                self._may_lose -= size
                return
            self._learn(table.schema)
        self.rows.append(rows)
        self.tables.append(table.select(self._asked.names))

    def _learn(self, met: pa.Schema) -> None:
        known = pa.schema([pa.field(field.name, _learned(field.type)) for field in met])
        with suppress(pa.ArrowTypeError):  # A member that is now of this type and now of that is known as the first.
            self._known = pa.unify_schemas([self._known, known], promote_options="permissive")
        if any(str(schema).count("\n") > _MOST_COLUMNS for schema in (met, self._known)):
            self._may_lose = -1

    def _table(self, rows: Numbers, schema: pa.Schema, otherwise: str) -> pa.Table | None:
        values = [self._contents[row] for row in rows.tolist()]
        text = b"\n".join(values)
        if b"\0" in text:
            return None  # Arrow takes it for the end.
        whole = pyarrow.json.ReadOptions(use_threads=False, block_size=len(text) + 1)
        options = pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior=otherwise)
        try:
            text.decode()  # Arrow takes any bytes for text.
            table = pyarrow.json.read_json(pa.BufferReader(text), read_options=whole, parse_options=options)
        except (UnicodeDecodeError, pa.ArrowException):
            return None
        if table.num_rows != len(values) or ("double" in str(table.schema) and _ODD_NUMBER.search(text)):
            return None
        return table


def _learned(type_: pa.DataType) -> pa.DataType:
    """The type of a member that is known: any text, where Arrow takes some for times."""
    if pa.types.is_struct(type_):
        return pa.struct([pa.field(field.name, _learned(field.type)) for field in type_])
    if pa.types.is_list(type_):
        return pa.list_(_learned(type_.value_type))
    return pa.string() if pa.types.is_temporal(type_) else type_


def _plain_rows(values: pa.BinaryArray) -> tuple[Numbers, Numbers]:
    """The values that are perhaps objects, without what may be read in two ways; and how many bytes each value has."""
    data, edges = laid_out(values)
    starts, stops, sizes = edges[:-1], edges[1:], np.diff(edges)
    is_plain = (sizes > 1) & (sizes <= MAX_VALUE_BYTES)
    is_plain &= (data.take(starts, mode="clip") == _OPEN) & (data.take(stops - 1, mode="clip") == _CLOSE)
    # However they are nested.
    is_plain &= _counts((data == _OPEN) | (data == _OPEN_LIST), edges) <= MAX_NESTING
    is_plain &= _counts(data == _BACKSLASH, edges) == 0
    return np.flatnonzero(is_plain), sizes


def _counts(is_it: Flags, edges: Numbers) -> Numbers:
    """How many bytes of each value are it."""
    return np.diff(np.searchsorted(np.flatnonzero(is_it), edges))


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


def _at(table: pa.Table, place: Place) -> pa.Array:
    [column] = table[place[0]].chunks
    return pc.struct_field(column, list(place[1:])) if place[1:] else column
