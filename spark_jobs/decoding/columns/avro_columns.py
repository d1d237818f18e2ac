"""Avro's binary encoding, the records of one schema together: field by field instead of record by record.

Belongs here: what is made of each type of a schema. Does not belong here: which type a schema means (decoding), which
schema wrote a record (framed). Pure.

All of a record is read, as far as it takes to tell that it is what its schema says. A record that has something else
than a text or a number at a place, or on the way to it, is left out, as is one with a long list: whoever reads records
one by one can tell what is wrong, if anything.
"""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pyarrow as pa

from spark_jobs.contract.payment_event import MAX_NESTING, MAX_VALUE_BYTES
from spark_jobs.decoding.avro import BIG_DECIMAL, VARIABLE_SCALE, Makers, Schemas
from spark_jobs.decoding.columns.places import Columns, Flags, Numbers, Place
from spark_jobs.decoding.columns.wire_bytes import WireBytes

_MOST_ITEMS = 8
_MOST_BRANCHES = 64
"""Whose number is written in one byte."""
_MOST_STEPS = 1_000
"""Records and items in a record of a batch: a schema that contains itself lets bytes ask for any number."""
_MOST_DIGITS = 38
_DECIMAL_BYTES = 15
"""No number of so many has more than 38 digits."""

type _Here = tuple[str | int, ...]
"""A place, or one in a list, which has a number in it: nobody asks for that."""
type _Kind = str | int | tuple[str, ...]
"""TEXT, WHOLE, BOOLEAN, the scale of a decimal, or the symbols of an enum."""
_TEXT, _WHOLE, _BOOLEAN = "text", "whole", "boolean"


class AvroColumns:
    """Reads the records that a schema wrote.

    Args:
        schema: the schema's JSON.
        references: as decoding's own reader takes them.

    Raises:
        BadSchema: one of them is none.
    """

    def __init__(self, schema: str, references: Collection[str] = ()) -> None:
        self._read = Schemas(_MAKERS).read(schema, list(references))

    def read(self, values: pa.BinaryArray, rows: Numbers, skipped: int, wanted: Collection[Place]) -> Columns:
        """The columns of those records that are plainly what the schema says.

        Args:
            values: the values of the batch's records.
            rows: which of them the schema wrote, ascending.
            skipped: where in each value the datum begins.
            wanted: the places of the columns.
        """
        reading = _Reading(WireBytes(values, rows, skipped), wanted)
        self._read(reading, np.arange(len(rows)), ())
        return reading.columns(rows)


class _Reading:
    """What is found of some records."""

    def __init__(self, wire: WireBytes, wanted: Collection[Place]) -> None:
        self.wire = wire
        self.is_document = np.zeros(len(wire.starts), np.bool_)
        self._wanted = list(wanted)
        self._ways = {place[:length] for place in wanted for length in range(len(place))}
        self._found: dict[tuple[_Here, _Kind], tuple[list[Numbers], Flags]] = {}
        self._steps = 0

    def step(self, rows: Numbers, here: _Here) -> Numbers:
        """The records that go on to here: none where it goes on too long."""
        self._steps += 1
        if len(here) > MAX_NESTING or self._steps > _MOST_STEPS:
            self.wire.spoil(rows)
        return self.wire.unspoilt(rows)

    def refuse(self, rows: Numbers, here: _Here, *, has_members: bool = False) -> None:
        """Here is no text and no number: whoever asks for one, or for its members, must look at each record."""
        if here in self._wanted or (here in self._ways and not has_members):
            self.wire.spoil(rows)

    def keep(self, rows: Numbers, here: _Here, kind: _Kind, *values: Numbers) -> None:
        """Here is a value: a number, or where its bytes begin and end."""
        if here in self._ways:
            self.wire.spoil(rows)
        if here not in self._wanted and kind != _TEXT:
            return
        starts = self.wire.starts
        columns, is_there = self._found.setdefault(
            (here, kind), ([starts.copy() for _ in values], np.zeros(len(starts), np.bool_))
        )
        for column, its in zip(columns, values, strict=True):
            column[rows] = its
        is_there[rows] = True

    def columns(self, rows: Numbers) -> Columns:
        is_read = self.is_document & self.wire.is_at_end & ~self.wire.is_spoilt
        arrays: dict[_Here, pa.Array] = {}
        for (here, kind), (values, is_there) in self._found.items():
            is_there &= is_read
            if here in arrays:
                # Of two types one would be taken for the other.
                is_read &= ~is_there
            array = self._array(kind, values, is_there)
            if kind == _TEXT:
                is_read &= ~is_there | np.asarray(array.is_valid())
            if here in self._wanted:
                arrays.setdefault(here, array)
        nothing = pa.nulls(len(rows), pa.string())
        found = {place: arrays.get(place, nothing) for place in self._wanted}
        if is_read.all():
            return Columns(rows, found)
        chosen = pa.array(is_read)
        return Columns(rows[is_read], {place: array.filter(chosen) for place, array in found.items()})

    def _array(self, kind: _Kind, values: list[Numbers], is_there: Flags) -> pa.Array:
        if kind == _TEXT:
            return _texts(self.wire.cut(values[0], values[1], is_there))
        if isinstance(kind, int):
            return self.wire.decimals(values[0], values[1], is_there, pa.decimal128(_MOST_DIGITS, kind))
        numbers = pa.array(values[0], mask=~is_there)
        if isinstance(kind, tuple):
            return pa.array(kind, pa.string()).take(numbers)
        return numbers.cast(pa.bool_()) if kind == _BOOLEAN else numbers


type ReadColumn = Callable[[_Reading, Numbers, _Here], None]
"""Goes on by one value of each of these records, and keeps it by its place."""


def _texts(encoded: pa.BinaryArray) -> pa.StringArray:
    """Null where the bytes are no text, too."""
    try:
        return encoded.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_text(content) for content in encoded.to_pylist()], pa.string())


def _text(content: bytes | None) -> str | None:
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError:
        return None


def _null(_reading: _Reading, _rows: Numbers, _here: _Here) -> None:
    """Takes no bytes, and is what is there where nothing is kept."""


def _boolean(reading: _Reading, rows: Numbers, here: _Here) -> None:
    byte = reading.wire.byte(rows)
    reading.wire.spoil(rows[byte > 1])
    reading.keep(rows, here, _BOOLEAN, byte)


def _whole(reading: _Reading, rows: Numbers, here: _Here) -> None:
    number = reading.wire.number(rows)
    reading.keep(rows, here, _WHOLE, (number >> 1) ^ -(number & 1))


def _string(reading: _Reading, rows: Numbers, here: _Here) -> None:
    reading.keep(rows, here, _TEXT, *reading.wire.span(rows))


def _bytes(reading: _Reading, rows: Numbers, here: _Here) -> None:
    reading.refuse(rows, here)
    reading.wire.span(rows)


def _sized(size: int) -> ReadColumn:
    def sized(reading: _Reading, rows: Numbers, here: _Here) -> None:
        reading.refuse(rows, here)
        reading.wire.block(rows, size)

    return sized


def _elsewhere(reading: _Reading, rows: Numbers, _here: _Here) -> None:
    """What is read one by one in any case."""
    reading.wire.spoil(rows)


def _decimal(schema: dict[str, Any]) -> ReadColumn:
    scale = _scale(schema)
    if schema["logicalType"] == BIG_DECIMAL or scale is None:
        return _elsewhere

    def decimal(reading: _Reading, rows: Numbers, here: _Here) -> None:
        start, stop = reading.wire.span(rows)
        reading.wire.spoil(rows[stop - start > _DECIMAL_BYTES])
        reading.keep(rows, here, scale, start, stop)

    return decimal


def _fixed(schema: dict[str, Any]) -> ReadColumn:
    size, scale = int(schema["size"]), _scale(schema)
    if not 0 <= size <= MAX_VALUE_BYTES:
        return _elsewhere
    if schema.get("logicalType") != "decimal":
        return _sized(size)
    if scale is None or size > _DECIMAL_BYTES:
        return _elsewhere

    def fixed(reading: _Reading, rows: Numbers, here: _Here) -> None:
        reading.keep(rows, here, scale, *reading.wire.block(rows, size))

    return fixed


def _scale(schema: dict[str, Any]) -> int | None:
    scale = int(schema.get("scale", 0))
    return scale if 0 <= scale <= _MOST_DIGITS else None


def _enum(symbols: list[str]) -> ReadColumn:
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) and symbol.isascii() for symbol in symbols):
        return _elsewhere
    kind = tuple(symbols)

    def enum(reading: _Reading, rows: Numbers, here: _Here) -> None:
        number = reading.wire.count(rows)
        is_none = number >= len(kind)
        reading.wire.spoil(rows[is_none])
        reading.keep(rows, here, kind, number)

    return enum


def _union(branches: list[ReadColumn]) -> ReadColumn:
    def union(reading: _Reading, rows: Numbers, here: _Here) -> None:
        # Whoever writes the number in more than a byte is read elsewhere, as is one that none of the branches has.
        byte = reading.wire.byte(rows)
        is_other = np.ones(len(rows), np.bool_)
        for number, read in enumerate(branches[:_MOST_BRANCHES]):
            is_it = byte == 2 * number
            is_other &= ~is_it
            if read is not _null and (chosen := reading.wire.unspoilt(rows[is_it])).size:
                read(reading, chosen, here)
        reading.wire.spoil(rows[is_other])

    return union


def _array(read: ReadColumn) -> ReadColumn:
    def array(reading: _Reading, rows: Numbers, here: _Here) -> None:
        reading.refuse(rows, here)
        count = reading.wire.count(rows)
        reading.wire.spoil(rows[count > _MOST_ITEMS])
        for item in range(min(int(count.max(initial=0)), _MOST_ITEMS)):
            inner = (*here, item)
            if (chosen := reading.step(rows[count > item], inner)).size:
                read(reading, chosen, inner)
        several = reading.wire.unspoilt(rows[count > 0])
        reading.wire.spoil(several[reading.wire.count(several) > 0])

    return array


def _map(read: ReadColumn) -> ReadColumn:
    def member(reading: _Reading, rows: Numbers, here: _Here) -> None:
        _string(reading, rows, (*here, 0))
        read(reading, rows, (*here, 1))

    return _array(member)


def _record(name: str, fields: list[tuple[str, ReadColumn]]) -> ReadColumn:
    if name == VARIABLE_SCALE:
        fields += [("scale", _elsewhere)]
        return _elsewhere

    def record(reading: _Reading, rows: Numbers, here: _Here) -> None:
        reading.refuse(rows, here, has_members=True)
        if not here:
            reading.is_document[rows] = True
        rows = reading.step(rows, here)
        if not rows.size:
            return
        if len({field for field, _ in fields}) < len(fields):
            reading.wire.spoil(rows)
        for field, read in fields:
            read(reading, rows, (*here, field))

    return record


_MAKERS: Makers[ReadColumn] = Makers(
    primitives={
        "null": _null,
        "boolean": _boolean,
        "int": _whole,
        "long": _whole,
        "float": _sized(4),
        "double": _sized(8),
        "bytes": _bytes,
        "string": _string,
    },
    union=_union,
    array=_array,
    map=_map,
    decimal=_decimal,
    enum=_enum,
    fixed=_fixed,
    record=_record,
)
