"""Record values into columns of strings: as the strictest reading of JSON has them, and nothing about payments.

Belongs here: reading many values quickly. Does not belong here: the strict path itself (strict_json), what a
field may say (validation). Pure: no Spark, no I/O.

Almost every value takes a fast path: a chunk of them one typed reading by Arrow, or, where one value of the chunk
forbids that, each a typed decode. A fast path is taken only where it provably reads what the strict path would read;
everything else (escapes, unknown fields, broken values) takes the strict path.
"""

from collections.abc import Sequence

import msgspec
import pyarrow as pa
import pyarrow.json
from msgspec.structs import astuple

from spark_jobs.contract.payment_event import FIELD_NAMES, MAX_VALUE_BYTES, Reason
from spark_jobs.parsing import strict_json

_WIDTH = len(FIELD_NAMES)

_Event = msgspec.defstruct(
    "_Event", [(name, str | None, None) for name in FIELD_NAMES], forbid_unknown_fields=True, gc=False
)
_decode = msgspec.json.Decoder(_Event).decode

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

_TYPED = pyarrow.json.ParseOptions(
    explicit_schema=pa.schema([PARSED_SCHEMA.field(name) for name in FIELD_NAMES]), unexpected_field_behavior="error"
)


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
    if text.count(b"{") != len(values) or b"\\" in text:
        return None
    whole = pyarrow.json.ReadOptions(use_threads=False, block_size=len(text) + 1)
    try:
        text.decode()  # Arrow takes any bytes for text.
        table = pyarrow.json.read_json(pa.BufferReader(text), read_options=whole, parse_options=_TYPED)
    except (UnicodeDecodeError, pa.ArrowInvalid):
        return None
    return table if table.num_rows == len(values) else None


def _one_by_one(values: Sequence[bytes | None], keys: Sequence[bytes | None] | None) -> pa.Table:
    rows: list[tuple[str | None, ...]] = []
    strict: dict[int, strict_json.Reading] = {}
    for index, value in enumerate(values):
        row = _fast(value) if value is not None and len(value) <= MAX_VALUE_BYTES else None
        if row is None:
            strict[index] = strict_json.read(value, keys[index] if keys else None)
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


def _exceptions(strict: dict[int, strict_json.Reading], count: int) -> tuple[pa.Array, pa.Array]:
    extra: list[str | None] = [None] * count
    reasons: list[list[str] | None] = [None] * count
    for index, row in strict.items():
        extra[index] = row.extra_fields
        if set(row.reasons) - {Reason.MISSING_FIELD}:
            reasons[index] = [reason.value for reason in row.reasons]
    return pa.array(extra, pa.string()), pa.array(reasons, pa.list_(pa.string()))
