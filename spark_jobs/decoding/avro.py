"""Avro's binary encoding, by the schema that it was written with (Avro 1.12).

Belongs here: schemas to readers, and readers of bytes. Does not belong here: where schemas come from (registry), the
frame around the bytes (registered). Pure.

Readers are functions put together once per schema: from the bytes and a position to a value and the position after it.
Dates, times and timestamps stay the whole numbers that they are on the wire; a mapping names their unit.
"""

import json
import struct
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from spark_jobs.contract.payment_event import Reason
from spark_jobs.decoding.plain_values import of_bytes, of_double, of_single, scaled
from spark_jobs.decoding.results import BadSchema
from spark_jobs.parsing.json_text import Refused

type Read = Callable[[bytes, int], tuple[Any, int]]

_MOST_BITS = 63
VARIABLE_SCALE, BIG_DECIMAL = "io.debezium.data.VariableScaleDecimal", "big-decimal"
"""A record, and a logical type of bytes, whose decimals carry their own scale."""
_UUID_BYTES = 16
_MOST_EMPTY = 1_000
"""More items without a byte between them are refused."""


def reader_of(schema: str, references: Sequence[str] = ()) -> Callable[[bytes, int], Any]:
    """A function from bytes, and where the datum begins, to its value.

    Args:
        schema: the schema's JSON.
        references: schemas whose names it uses, each after those that it uses itself.

    Raises:
        BadSchema: one of them is none.
    """
    read = Schemas(_MAKERS).read(schema, references)

    def whole(content: bytes, start: int) -> Any:
        try:
            value, end = read(content, start)
        except RecursionError:
            raise Refused(Reason.TOO_DEEP) from None
        except (IndexError, ValueError, struct.error):
            raise Refused(Reason.UNDECODABLE) from None
        # Whatever reads beyond the end, or not up to it, is noticed here.
        if end != len(content):
            raise Refused(Reason.UNDECODABLE)
        return value

    return whole


class Makers[R](NamedTuple):
    """What is made of each type. Fields are added to a record's list later: they may be of its very type."""

    primitives: Mapping[str, R]
    union: Callable[[list[R]], R]
    array: Callable[[R], R]
    map: Callable[[R], R]
    decimal: Callable[[dict[str, Any]], R]
    enum: Callable[[list[str]], R]
    fixed: Callable[[dict[str, Any]], R]
    record: Callable[[str, list[tuple[str, R]]], R]


class Schemas[R]:
    """The named types of a schema, as far as they are read, and which is meant where."""

    def __init__(self, makers: Makers[R]) -> None:
        self._makers = makers
        self._named: dict[str, R] = {}

    def read(self, schema: str, references: Sequence[str]) -> R:
        """What is made of a schema. Arguments and errors are those of `reader_of`."""
        try:
            for reference in references:
                self._made(json.loads(reference), "")
            return self._made(json.loads(schema), "")
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise BadSchema(str(error)) from None

    def _made(self, schema: Any, namespace: str) -> R:
        if isinstance(schema, list):
            return self._makers.union([self._made(branch, namespace) for branch in schema])
        if isinstance(schema, str):
            return self._makers.primitives.get(schema) or self._named[_full(schema, namespace)]
        kind = schema["type"]
        if kind in ("record", "error", "enum", "fixed"):
            return self._defined(kind, schema, namespace)
        if kind == "array":
            return self._makers.array(self._made(schema["items"], namespace))
        if kind == "map":
            return self._makers.map(self._made(schema["values"], namespace))
        if kind == "bytes" and schema.get("logicalType") in ("decimal", BIG_DECIMAL):
            return self._makers.decimal(schema)
        return self._made(kind, namespace)

    def _defined(self, kind: str, schema: dict[str, Any], namespace: str) -> R:
        name = _full(schema["name"], schema.get("namespace") or namespace)
        fields: list[tuple[str, R]] = []
        if kind == "enum":
            made = self._makers.enum(schema["symbols"])
        elif kind == "fixed":
            made = self._makers.fixed(schema)
        else:
            made = self._makers.record(name, fields)
        # Before its fields, which may be of this very type.
        self._named[name] = made
        if kind in ("record", "error") and not fields:
            inner = name.rpartition(".")[0]
            fields += [(field["name"], self._made(field["type"], inner)) for field in schema["fields"]]
        return made


def _full(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _varint(content: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = content[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
        if shift > _MOST_BITS:
            raise ValueError


# A number of one byte is read without a call: most lengths, branches and symbols are such. What is written out below
# for each of them is what a call costs for most fields of a payment.


def read_long(content: bytes, at: int) -> tuple[int, int]:
    """A whole number, and where it ends. Raises IndexError or ValueError."""
    number = content[at]
    at += 1
    if number > 127:
        number, at = _varint(content, at - 1)
    return (number >> 1) ^ -(number & 1), at


def _string(content: bytes, at: int) -> tuple[str, int]:
    number = content[at]
    at += 1
    if number > 127:
        number, at = _varint(content, at - 1)
    if number & 1:
        raise ValueError
    end = at + (number >> 1)
    return content[at:end].decode(), end


def _bytes(content: bytes, at: int) -> tuple[bytes, int]:
    number = content[at]
    at += 1
    if number > 127:
        number, at = _varint(content, at - 1)
    if number & 1:
        raise ValueError
    end = at + (number >> 1)
    return content[at:end], end


def _null(_content: bytes, at: int) -> tuple[None, int]:
    return None, at


def _boolean(content: bytes, at: int) -> tuple[bool, int]:
    if content[at] > 1:
        raise ValueError
    return content[at] == 1, at + 1


def _float(content: bytes, at: int) -> tuple[Any, int]:
    return of_single(struct.unpack_from("<f", content, at)[0]), at + 4


def _double(content: bytes, at: int) -> tuple[Any, int]:
    return of_double(struct.unpack_from("<d", content, at)[0]), at + 8


def _converted(read: Read, convert: Callable[[Any], Any]) -> Read:
    def converted(content: bytes, at: int) -> tuple[Any, int]:
        value, at = read(content, at)
        return convert(value), at

    return converted


def _decimal(schema: dict[str, Any]) -> Read:
    return _converted(_bytes, _big_decimal if schema["logicalType"] == BIG_DECIMAL else _scaled_by(schema))


def _scaled_by(schema: dict[str, Any]) -> Callable[[bytes], Any]:
    scale = int(schema.get("scale", 0))
    return lambda unscaled: scaled(unscaled, scale)


def _big_decimal(content: bytes) -> Any:
    unscaled, at = _bytes(content, 0)
    return scaled(unscaled, read_long(content, at)[0])


def _fixed(schema: dict[str, Any]) -> Read:
    size, logical = int(schema["size"]), schema.get("logicalType")

    def fixed(content: bytes, at: int) -> tuple[bytes, int]:
        return content[at : at + size], at + size

    if logical == "decimal":
        return _converted(fixed, _scaled_by(schema))
    if logical == "uuid" and size == _UUID_BYTES:
        return _converted(fixed, lambda content: str(uuid.UUID(bytes=content)))
    return _converted(fixed, of_bytes)


def _enum(symbols: list[str]) -> Read:
    def enum(content: bytes, at: int) -> tuple[str, int]:
        number = content[at]
        at += 1
        if number > 127:
            number, at = _varint(content, at - 1)
        if number & 1:
            raise ValueError
        return symbols[number >> 1], at

    return enum


def _union(branches: list[Read]) -> Read:
    def union(content: bytes, at: int) -> tuple[Any, int]:
        number = content[at]
        at += 1
        if number > 127:
            number, at = _varint(content, at - 1)
        if number & 1:
            raise ValueError
        return branches[number >> 1](content, at)

    return _optional_text(branches.index(_null) * 2) if set(branches) == {_null, _string} else union


def _optional_text(null: int) -> Read:
    def optional_text(content: bytes, at: int) -> tuple[str | None, int]:
        branch = content[at]
        if branch == null:
            return None, at + 1
        if branch != 2 - null:
            raise ValueError
        number = content[at + 1]
        at += 2
        if number > 127:
            number, at = _varint(content, at - 1)
        if number & 1:
            raise ValueError
        end = at + (number >> 1)
        return content[at:end].decode(), end

    return optional_text


def _record(name: str, fields: list[tuple[str, Read]]) -> Read:
    def record(content: bytes, at: int) -> tuple[dict[str, Any], int]:
        members = {}
        for field, read in fields:
            members[field], at = read(content, at)
        return members, at

    if name != VARIABLE_SCALE:
        return record
    fields += [("scale", read_long), ("value", _bytes)]
    return _converted(record, lambda parts: scaled(parts["value"], parts["scale"]))


def _count(content: bytes, at: int) -> tuple[int, int]:
    """How many items the next block has."""
    count, at = read_long(content, at)
    if count < 0:
        _, at = read_long(content, at)
    return abs(count), at


def _array(read: Read) -> Read:
    def array(content: bytes, at: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        count, at = _count(content, at)
        while count:
            # Items that take no bytes could be any number.
            if len(items) + count > len(content) + _MOST_EMPTY:
                raise ValueError
            for _ in range(count):
                item, at = read(content, at)
                items.append(item)
            count, at = _count(content, at)
        return items, at

    return array


def _map(read: Read) -> Read:
    def map_(content: bytes, at: int) -> tuple[dict[str, Any], int]:
        members: dict[str, Any] = {}
        count, at = _count(content, at)
        while count:
            for _ in range(count):
                name, at = _string(content, at)
                members[name], at = read(content, at)
            count, at = _count(content, at)
        return members, at

    return map_


_PRIMITIVES: dict[str, Read] = {
    "null": _null,
    "boolean": _boolean,
    "int": read_long,
    "long": read_long,
    "float": _float,
    "double": _double,
    "bytes": _converted(_bytes, of_bytes),
    "string": _string,
}
_MAKERS = Makers(_PRIMITIVES, _union, _array, _map, _decimal, _enum, _fixed, _record)
