"""Record values into columns of strings: the strictest reading of JSON, and nothing about payments.

Belongs here: bytes to text to fields, and the reasons for which a value cannot be read. Does not belong here: what a
field may say (validation.py). Pure: no Spark, no I/O.

Almost every value takes a fast path: a chunk of them one typed reading by Arrow, or, where one value of the chunk
forbids that, each a typed decode. A fast path is taken only where it provably reads what the strict path would read;
everything else (escapes, unknown fields, broken values) takes the strict path.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.json
from msgspec.structs import astuple

from spark_jobs.contract import FIELD_NAMES, FIELDS, ID_PATTERN, MAX_NESTING, MAX_VALUE_BYTES, Reason

_REQUIRED = frozenset(field.name for field in FIELDS if field.required)
_NAMES = frozenset(FIELD_NAMES)
_WIDTH = len(FIELD_NAMES)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
"""Possessive, and a string that never ends counts as one: or hostile bytes cost the square of their length."""

_Event = msgspec.defstruct(
    "_Event", [(name, str | None, None) for name in FIELD_NAMES], forbid_unknown_fields=True, gc=False
)
_decode = msgspec.json.Decoder(_Event).decode
_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

_CHUNK = 1_000
"""Values that are read together. A call costs as much as a hundred of them; one that is broken costs them all more."""
_ID = re.compile(ID_PATTERN.encode()).fullmatch

PARSED_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in FIELD_NAMES),
        pa.field("extra_fields", pa.string()),
        pa.field("parse_reasons", pa.list_(pa.string())),
    ]
)
"""One row per value. `parse_reasons` is null where each field is text or absent."""

_TYPED = pyarrow.json.ParseOptions(
    explicit_schema=pa.schema([PARSED_SCHEMA.field(name) for name in FIELD_NAMES]), unexpected_field_behavior="error"
)


class _Unreadable(Exception):
    def __init__(self, reason: Reason) -> None:
        self.reason = reason


class _Pairs(NamedTuple):
    """A JSON object as it was written, duplicate keys and all."""

    items: list[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class _Strict:
    values: tuple[str | None, ...]
    extra_fields: str | None
    reasons: list[Reason]


def parse(values: Sequence[bytes | None], keys: Sequence[bytes | None] | None = None) -> pa.Table:
    """Columns of PARSED_SCHEMA, one row per value, in order. Never raises, whatever the bytes.

    Args:
        values: the records' values.
        keys: the records' keys, as many; a record without a value is a tombstone of the payment that its key names.
    """
    chunks = [
        _parse(values[start : start + _CHUNK], keys[start : start + _CHUNK] if keys else None)
        for start in range(0, len(values), _CHUNK)
    ]
    return pa.concat_tables(chunks) if chunks else PARSED_SCHEMA.empty_table()


def _parse(values: Sequence[bytes | None], keys: Sequence[bytes | None] | None) -> pa.Table:
    together = _together(values)
    if together is None:
        return _one_by_one(values, keys)
    nothing = [pa.nulls(len(values), field.type) for field in list(PARSED_SCHEMA)[_WIDTH:]]
    return pa.Table.from_arrays([*together.columns, *nothing], schema=PARSED_SCHEMA)


def _together(values: Sequence[bytes | None]) -> pa.Table | None:
    """The fields of all values; None where one of them may be anything but an object of known fields, null or text.

    Arrow refuses unknown and repeated names, values that are neither text nor null, and all that is no JSON. It does
    not tell where a value ends: but if each begins with a brace and has no other, then each is one object, or there are
    too many rows.
    """
    if not all(value and value.startswith(b"{") and len(value) <= MAX_VALUE_BYTES for value in values):
        return None
    text = b"\n".join(values)  # type: ignore[arg-type]
    if text.count(b"{") != len(values) or b"\\" in text or not _is_utf8(text):
        return None
    whole = pyarrow.json.ReadOptions(use_threads=False, block_size=len(text) + 1)
    try:
        table = pyarrow.json.read_json(pa.BufferReader(text), read_options=whole, parse_options=_TYPED)
    except pa.ArrowInvalid:
        return None
    return table if table.num_rows == len(values) else None


def _one_by_one(values: Sequence[bytes | None], keys: Sequence[bytes | None] | None) -> pa.Table:
    rows: list[tuple[str | None, ...]] = []
    strict: dict[int, _Strict] = {}
    for index, value in enumerate(values):
        row = _fast(value) if value is not None and len(value) <= MAX_VALUE_BYTES else None
        if row is None:
            strict[index] = _tombstone(keys[index]) if value is None and keys else _strictly(value)
            row = strict[index].values
        rows.append(row)
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, pa.string()) for column in columns]
    return pa.Table.from_arrays([*arrays, *_exceptions(strict, len(rows))], schema=PARSED_SCHEMA)


def _fast(value: bytes) -> tuple[str | None, ...] | None:
    try:
        row = astuple(_decode(value))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    # With no escapes every quote delimits, four to a pair of strings: more quotes mean a repeated key or a null.
    if b"\\" in value or value.count(b'"') != 4 * (_WIDTH - row.count(None)):
        return None
    return row


def _strictly(value: bytes | None) -> _Strict:
    try:
        return _fields(value, _load(value))
    except _Unreadable as unreadable:
        return _Strict((None,) * _WIDTH, None, [unreadable.reason])


def _tombstone(key: bytes | None) -> _Strict:
    """A record without a value: what its key names is deleted where it came from. Without an id it is just empty."""
    if key is None or not _ID(key):
        return _strictly(None)
    return _Strict((key.decode(), *(None,) * (_WIDTH - 1)), None, [Reason.TOMBSTONE])


def _load(value: bytes | None) -> list[tuple[str, Any]]:
    if value is None or not value.strip():
        raise _Unreadable(Reason.EMPTY_VALUE)
    if len(value) > MAX_VALUE_BYTES:
        raise _Unreadable(Reason.OVERSIZE)
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise _Unreadable(Reason.INVALID_UTF8) from None
    if _nesting(text) > MAX_NESTING:
        raise _Unreadable(Reason.TOO_DEEP)
    try:
        loaded = json.loads(text, object_pairs_hook=_Pairs, parse_constant=_refuse, parse_int=_keep, parse_float=_keep)
    except (ValueError, RecursionError):
        raise _Unreadable(Reason.INVALID_JSON) from None
    if not isinstance(loaded, _Pairs):
        raise _Unreadable(Reason.NOT_AN_OBJECT)
    return loaded.items


def _fields(value: bytes | None, items: list[tuple[str, Any]]) -> _Strict:
    fields = dict(items)
    reasons = {Reason.DUPLICATE_KEY} if _has_duplicate_key(items) else set()
    row: list[str | None] = []
    for name in FIELD_NAMES:
        field = fields.get(name)
        if field is not None and not isinstance(field, str):
            reasons.add(Reason.WRONG_TYPE)
            field = None
        elif field is None and name in _REQUIRED:
            reasons.add(Reason.MISSING_FIELD)
        elif field is not None and not _is_unicode(field):
            reasons.add(Reason.INVALID_UNICODE)
            field = None
        row.append(field)
    extra_fields = None
    if fields.keys() - _NAMES:
        extra_fields = _extra_fields(value or b"")
        if extra_fields is None:
            reasons.add(Reason.INVALID_UNICODE)
    return _Strict(tuple(row), extra_fields, sorted(reasons, key=list(Reason).index))


def _extra_fields(value: bytes) -> str | None:
    """Unknown fields as a JSON object, each value as it was written; None where a key is not Unicode."""
    try:
        raw = _raw_fields(value)
        return "{" + ",".join(f"{json.dumps(k)}:{bytes(v).decode()}" for k, v in raw.items() if k not in _NAMES) + "}"
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _has_duplicate_key(items: list[tuple[str, Any]]) -> bool:
    if len({key for key, _ in items}) != len(items):
        return True
    return any(isinstance(value, _Pairs) and _has_duplicate_key(value.items) for _, value in items)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _nesting(text: str) -> int:
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return 0
    depth = deepest = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _keep(number: str) -> int:
    """Numbers are never read: no field is one, and unknown fields are kept as they were written."""
    return len(number)


def _exceptions(strict: dict[int, _Strict], count: int) -> tuple[pa.Array, pa.Array]:
    extra: list[str | None] = [None] * count
    reasons: list[list[str] | None] = [None] * count
    for index, row in strict.items():
        extra[index] = row.extra_fields
        if set(row.reasons) - {Reason.MISSING_FIELD}:
            reasons[index] = [reason.value for reason in row.reasons]
    return pa.array(extra, pa.string()), pa.array(reasons, pa.list_(pa.string()))
