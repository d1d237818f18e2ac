"""A record's headers as one text: what is kept of them beside a raw value, and back again.

Belongs here: the text's form, and making it of many records at once. Does not belong here: what a header means
(decoding, mapping, parsing), which records keep theirs (streaming).

The text is JSON: a list of pairs of name and value, in order. A value is its text where its bytes are UTF-8, so that
it can be read and searched; else an object {"base64": ...}; or null. Records of a topic mostly have the same headers:
then one text is made, and stands for all of them.
"""

import base64
from collections.abc import Sequence
from itertools import accumulate, pairwise

import msgspec
import pyarrow as pa

from spark_jobs.decoding.results import Headers
from spark_jobs.parsing.schema_versions import HEADERS_TYPE as HEADERS_TYPE

_encode = msgspec.json.Encoder().encode

TEXTS_TYPE = pa.dictionary(pa.int32(), pa.string())


def texts_of(column: pa.ListArray | None, count: int) -> pa.DictionaryArray:
    """The text of each record's headers, null where it has none, as TEXTS_TYPE.

    Args:
        column: HEADERS_TYPE; None where headers were not read.
        count: how many records there are.
    """
    same = None if column is None else _same(column)
    if column is None or same == ():
        return pa.DictionaryArray.from_arrays(pa.nulls(count, pa.int32()), pa.array([], pa.string()))
    if same is not None:
        return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), count), pa.array([to_text(same)]))
    texts = [to_text(headers) if headers else None for headers in lists_of(column) or ()]
    return pa.array(texts, pa.string()).dictionary_encode().cast(TEXTS_TYPE)


def lists_of(column: pa.ListArray | None) -> list[Headers | None] | None:
    """The headers of each record; None where they were not read."""
    if column is None:
        return None
    flat = column.flatten()
    # As two lists: a row of structs would be made name by name, which takes three times as long.
    pairs = list(zip(flat.field(0).to_pylist(), flat.field(1).to_pylist(), strict=True))
    edges = list(accumulate((length or 0 for length in column.value_lengths().to_pylist()), initial=0))
    return [pairs[start:end] or None for start, end in pairwise(edges)]


def to_text(headers: Headers) -> str:
    """The text of one record's headers."""
    return _encode([(name, _value(value)) for name, value in headers]).decode()


def from_text(text: str | None) -> Headers | None:
    """The headers of which `to_text` made the text."""
    if text is None:
        return None
    return [(name, _bytes(value)) for name, value in msgspec.json.decode(text)]


def column_of(headers: Sequence[Headers | None]) -> pa.ListArray:
    """HEADERS_TYPE of some records' headers."""
    rows = [None if of is None else [{"key": name, "value": value} for name, value in of] for of in headers]
    return pa.array(rows, HEADERS_TYPE)


def _same(column: pa.ListArray) -> Headers | tuple[()] | None:
    """What all records have: () where none has a header, None where they differ."""
    flat = column.flatten()
    if not len(flat):
        return ()
    width = len(flat) // len(column)
    lengths = column.value_lengths()
    if lengths.null_count or width * len(column) != len(flat) or not _all_equal(lengths, 1):
        return None
    if not all(_all_equal(flat.field(part), width) for part in (0, 1)):
        return None
    return [(header["key"], header["value"]) for header in flat.slice(0, width).to_pylist()]


def _all_equal(values: pa.Array, width: int) -> bool:
    """Whether the values repeat after every `width` of them."""
    return bool(values.slice(width).equals(values.slice(0, len(values) - width)))


def _value(value: bytes | None) -> str | dict[str, str] | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _bytes(value: str | dict[str, str] | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else None if value is None else base64.b64decode(value["base64"])
