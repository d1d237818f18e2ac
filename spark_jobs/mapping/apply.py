"""Many decoded records by a mapping: the columns that the contract judges, and what is no payment.

Belongs here: columns. Does not belong here: one record (rows), decoding, judging (parsing). Pure.
"""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa

from spark_jobs.contract.iso_codes import MINOR_UNITS
from spark_jobs.contract.payment_event import FIELD_NAMES, Reason
from spark_jobs.decoding.results import Document, Headers, Unreadable
from spark_jobs.mapping.readers import Record
from spark_jobs.mapping.rows import NOTHING, MappedRow, row_reader, tombstone_reader
from spark_jobs.mapping.rules import tombstone_rule
from spark_jobs.mapping.spec import Mapping
from spark_jobs.parsing.json_parsing import PARSED_SCHEMA


@dataclass(frozen=True, slots=True)
class Mapped:
    """Of each record, in order.

    Args:
        parsed: what parsing reads of it.
        ignored: the rule by which it is no payment.
        dropped: what was written in fields that the mapping leaves empty, as a JSON object.
    """

    parsed: pa.Table
    ignored: list[str | None]
    dropped: list[str | None]


def apply(
    mapping: Mapping,
    documents: Sequence[Document | Unreadable],
    keys: Sequence[bytes | None] | None = None,
    headers: Sequence[Headers | None] | None = None,
    timestamps: Sequence[int | None] | pa.Array | None = None,
    minor_units: Table[str, int] = MINOR_UNITS,
) -> Mapped:
    """Columns of PARSED_SCHEMA and the rules, one row per document, in order. Never raises, whatever the documents.

    Args:
        mapping: what the user's file says.
        documents: what decoding returned: a document each, or why there is none.
        keys: the records' keys, as many.
        headers: the records' headers, as many; None: they have none.
        timestamps: the records' timestamps, in microseconds or as Arrow's.
        minor_units: the currencies and their decimals, of the lists that the records are judged by.
    """
    count = len(documents)
    reader = _Rows(mapping, tuple(minor_units.items()))
    none = [None] * count
    moments = _microseconds(timestamps) if timestamps is not None else none
    rows = list(map(reader.read, documents, keys or none, headers or none, moments))
    columns = list(zip(*(row.values for row in rows), strict=True)) or [()] * len(FIELD_NAMES)
    arrays = {name: pa.array(column, pa.string()) for name, column in zip(FIELD_NAMES, columns, strict=True)}
    arrays["extra_fields"] = pa.array([row.extra_fields for row in rows], pa.string())
    reasons = [[reason.value for reason in row.reasons] if row.reasons else None for row in rows]
    arrays["parse_reasons"] = pa.array(reasons, pa.list_(pa.string()))
    parsed = pa.Table.from_arrays([arrays[field.name] for field in PARSED_SCHEMA], schema=PARSED_SCHEMA)
    return Mapped(parsed, [row.ignored for row in rows], [row.dropped for row in rows])


class _Rows:
    """The functions of a mapping, and what is said of a record without a document."""

    _row: Callable[[Record], MappedRow]

    def __init__(self, mapping: Mapping, minor_units: tuple[tuple[str, int], ...]) -> None:
        self._row, self._deleted_id, self._tombstone_rule = _functions(mapping, minor_units)

    def read(self, document: Any, key: bytes | None, headers: Headers | None, timestamp: int | None) -> MappedRow:
        if type(document) is dict:
            return self._row(Record(document, key, headers, timestamp))
        if not isinstance(document, Unreadable):
            return MappedRow(NOTHING, reasons=(Reason.NOT_AN_OBJECT,))
        reason = document.reason
        if reason is not Reason.TOMBSTONE and reason is not Reason.EMPTY_VALUE:
            return MappedRow(NOTHING, reasons=(reason,))
        if self._tombstone_rule is not None:
            return MappedRow(NOTHING, ignored=self._tombstone_rule)
        deleted = self._deleted_id(Record(document.deleted, key, headers, timestamp), document.payment_id)
        return MappedRow((deleted, *NOTHING[1:]), reasons=(reason,))


@lru_cache(maxsize=16)
def _functions(mapping: Mapping, minor_units: tuple[tuple[str, int], ...]) -> tuple[Any, Any, str | None]:
    return row_reader(mapping, dict(minor_units)), tombstone_reader(mapping), tombstone_rule(mapping.rules)


def _microseconds(timestamps: Sequence[int | None] | pa.Array) -> Sequence[int | None]:
    if isinstance(timestamps, pa.Array | pa.ChunkedArray):
        return timestamps.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()  # type: ignore[no-any-return]
    return timestamps
