"""Record values into columns of strings: as the strictest reading of JSON has them, and nothing about payments.

Belongs here: reading many values quickly. Does not belong here: the strict path itself (strict_json), what a
field may say (validation). Pure: no Spark, no I/O.

Almost every value takes a fast path: a chunk of them one typed reading by Arrow, or, where one value of the chunk
forbids that, each a typed decode. A fast path is taken only where it provably reads what the strict path would read;
everything else (escapes, unknown fields, broken values) takes the strict path.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
from msgspec.structs import astuple

from spark_jobs.contract.payment_event import (
    FIELD_NAMES,
    MAX_VALUE_BYTES,
    SCHEMA_VERSION,
    SCHEMA_VERSIONS,
    Reason,
    fields_of,
    required_of,
)
from spark_jobs.parsing import strict_json

_CHUNK = 1_000
"""Values that are read together. A call costs as much as a hundred of them; one that is broken costs them all more."""

PARSED_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in FIELD_NAMES),
        pa.field("extra_fields", pa.string()),
        pa.field("parse_reasons", pa.list_(pa.string())),
    ]
)
"""One row per value. `parse_reasons` is null where each field is text or absent."""


class _Reader:
    """Reads values of one version: by its fields, the others being unknown."""

    def __init__(self, version: str) -> None:
        self.version = version
        fields = fields_of(version)
        self.missing = len(FIELD_NAMES) - len(fields)
        self.width = len(fields)
        self.newly_required = [f.name for f in fields if f.required_since and f.name in required_of(version)]
        event = msgspec.defstruct(
            "_Event",
            [(field.name, str | None, None) for field in fields],
            rename={field.name: field.json_name for field in fields},
            forbid_unknown_fields=True,
            gc=False,
        )
        self.decode = msgspec.json.Decoder(event).decode
        self.typed = pyarrow.json.ParseOptions(
            explicit_schema=pa.schema([pa.field(field.json_name, pa.string()) for field in fields]),
            unexpected_field_behavior="error",
        )


_READERS = {version: _Reader(version) for version in SCHEMA_VERSIONS}


def parse(
    values: Sequence[bytes | None],
    keys: Sequence[bytes | None] | None = None,
    versions: pa.Array | None = None,
) -> pa.Table:
    """Columns of PARSED_SCHEMA, one row per value, in order. Never raises, whatever the bytes.

    Args:
        values: the records' values.
        keys: the records' keys, as many; a record without a value is a tombstone of the payment that its key names.
        versions: what each record's header names (schema_versions), as many; null and None: SCHEMA_VERSION. Of one that
            is none of SCHEMA_VERSIONS nothing is read.
    """
    if versions is None or versions.null_count == len(versions):
        return _parse_all(values, keys, SCHEMA_VERSION)
    named = pc.fill_null(versions, SCHEMA_VERSION)
    found = pc.unique(named).to_pylist()
    if len(found) == 1:
        return _parse_all(values, keys, found[0])
    places, parts = [], []
    for version in found:
        [at] = np.nonzero(np.asarray(pc.equal(named, version)))
        chosen: list[int] = at.tolist()
        of_keys = [keys[at] for at in chosen] if keys else None
        parts.append(_parse_all([values[at] for at in chosen], of_keys, version))
        places.append(at)
    return pa.concat_tables(parts).take(pa.array(np.argsort(np.concatenate(places), kind="stable")))


def _parse_all(values: Sequence[bytes | None], keys: Sequence[bytes | None] | None, version: str) -> pa.Table:
    reader = _READERS.get(version)
    if reader is None:
        return _unsupported(len(values))
    chunks = [
        _parse(values[start : start + _CHUNK], keys[start : start + _CHUNK] if keys else None, reader)
        for start in range(0, len(values), _CHUNK)
    ]
    return pa.concat_tables(chunks) if chunks else PARSED_SCHEMA.empty_table()


def _unsupported(count: int) -> pa.Table:
    """Nothing is read of a value of a version whose meaning nobody here knows."""
    nothing = [pa.nulls(count, field.type) for field in list(PARSED_SCHEMA)[:-1]]
    reasons = pa.array([[Reason.UNSUPPORTED_SCHEMA_VERSION.value]] * count, PARSED_SCHEMA.field("parse_reasons").type)
    return pa.Table.from_arrays([*nothing, reasons], schema=PARSED_SCHEMA)


def _parse(values: Sequence[bytes | None], keys: Sequence[bytes | None] | None, reader: _Reader) -> pa.Table:
    together = _together(values, reader)
    if together is None:
        return _with_missing(_one_by_one(values, keys, reader), reader)
    nothing = [pa.nulls(len(values), field.type) for field in list(PARSED_SCHEMA)[reader.width :]]
    return _with_missing(pa.Table.from_arrays([*together.columns, *nothing], schema=PARSED_SCHEMA), reader)


def _with_missing(parsed: pa.Table, reader: _Reader) -> pa.Table:
    """With a reason where a field is missing that earlier versions do not need: the contract's rules cannot see it."""
    if not any(parsed[name].null_count for name in reader.newly_required):
        return parsed
    needed = [parsed[name].to_pylist() for name in reader.newly_required]
    reasons = [
        [Reason.MISSING_FIELD.value] if known is None and None in fields else known
        for known, *fields in zip(parsed["parse_reasons"].to_pylist(), *needed, strict=True)
    ]
    field = PARSED_SCHEMA.field("parse_reasons")
    at = PARSED_SCHEMA.get_field_index(field.name)
    return parsed.set_column(at, field, pa.array(reasons, field.type))


def _together(values: Sequence[bytes | None], reader: _Reader) -> pa.Table | None:
    """The fields of all values; None where one of them may be anything but an object of known fields, null or text.

    Arrow refuses unknown and repeated names, values that are neither text nor null, and all that is no JSON. It does
    not tell where a value ends: but if each begins with a brace and has no other, then each is one object, or there are
    too many rows.
    """
    if not all(value and value.startswith(b"{") and len(value) <= MAX_VALUE_BYTES for value in values):
        return None
    text = b"\n".join(values)  # type: ignore[arg-type]
    if text.count(b"{") != len(values) or b"\\" in text:
        return None
    whole = pyarrow.json.ReadOptions(use_threads=False, block_size=len(text) + 1)
    try:
        text.decode()  # Arrow takes any bytes for text.
        table = pyarrow.json.read_json(pa.BufferReader(text), read_options=whole, parse_options=reader.typed)
    except (UnicodeDecodeError, pa.ArrowInvalid):
        return None
    return table if table.num_rows == len(values) else None


def _one_by_one(values: Sequence[bytes | None], keys: Sequence[bytes | None] | None, reader: _Reader) -> pa.Table:
    rows: list[tuple[str | None, ...]] = []
    strict: dict[int, strict_json.Reading] = {}
    for index, value in enumerate(values):
        row = _fast(value, reader) if value is not None and len(value) <= MAX_VALUE_BYTES else None
        if row is None:
            strict[index] = strict_json.read(value, keys[index] if keys else None, reader.version)
            row = strict[index].values
        rows.append(row)
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, pa.string()) for column in columns]
    return pa.Table.from_arrays([*arrays, *_exceptions(strict, len(rows))], schema=PARSED_SCHEMA)


def _fast(value: bytes, reader: _Reader) -> tuple[str | None, ...] | None:
    try:
        row = astuple(reader.decode(value))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    # With no escapes every quote delimits, four to a pair of strings: more quotes mean a repeated key or a null.
    if b"\\" in value or value.count(b'"') != 4 * (reader.width - row.count(None)):
        return None
    return (*row, *(None,) * reader.missing)


def _exceptions(strict: dict[int, strict_json.Reading], count: int) -> tuple[pa.Array, pa.Array]:
    extra: list[str | None] = [None] * count
    reasons: list[list[str] | None] = [None] * count
    for index, row in strict.items():
        extra[index] = row.extra_fields
        if set(row.reasons) - {Reason.MISSING_FIELD}:
            reasons[index] = [reason.value for reason in row.reasons]
    return pa.array(extra, pa.string()), pa.array(reasons, pa.list_(pa.string()))
