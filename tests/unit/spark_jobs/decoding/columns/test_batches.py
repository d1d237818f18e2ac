"""Which formats have columns, and which of their records."""

import json
from typing import Any

import pyarrow as pa
import pytest

from spark_jobs.decoding.columns.batches import columns_of
from spark_jobs.decoding.registered import VALUE_HEADER, Registered
from spark_jobs.decoding.registry import Schema
from spark_jobs.decoding.results import Format
from spark_jobs.parsing.schema_versions import HEADERS_TYPE

SCHEMA = Schema("AVRO", json.dumps({"type": "record", "name": "R", "fields": [{"name": "id", "type": "string"}]}), {})
RECORD = b"\0\0\0\0\4\2a"


class Shelf:
    """A registry that has SCHEMA at every address, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def schema(self, path: str) -> Schema:
        """What Registry's `schema` gives."""
        self.asked.append(path)
        return SCHEMA


def rows(contents: list[bytes | None], fmt: Format, headers: list[Any] | None = None) -> list[list[int]]:
    """Which records are read together."""
    shelf: Any = Shelf()
    of_records = pa.array(headers, HEADERS_TYPE) if headers else None
    values = pa.array(contents, pa.binary())
    found = columns_of(values, contents, of_records, fmt, [("id",)], Registered(shelf))
    return [columns.rows.tolist() for columns in found]


def test_json_and_avro_have_columns() -> None:
    assert rows([b'{"id":"a"}', None, b"{"], Format.JSON) == [[0]]
    assert rows([RECORD, None, b"{", RECORD + b"b"], Format.AVRO) == [[0]]


@pytest.mark.parametrize("fmt", sorted(set(Format) - {Format.JSON, Format.AVRO}))
def test_other_formats_have_none(fmt: Format) -> None:
    assert rows([RECORD, b'{"id":"a"}'], fmt) == []


def test_where_a_header_names_a_schema_nothing_is_read_together() -> None:
    assert rows([RECORD, RECORD], Format.AVRO, [[{"key": "other", "value": b""}], None]) == [[0, 1]]
    assert rows([RECORD, RECORD], Format.AVRO, [[{"key": VALUE_HEADER, "value": b""}], None]) == []


def test_the_schemas_that_most_records_are_of_are_read_together() -> None:
    by_ids = [b"\0\0\0\1" + bytes([number]) + b"\2a" for number in range(20)]
    found = rows([*by_ids, by_ids[19], by_ids[3], by_ids[19]], Format.AVRO)
    assert found[:2] == [[19, 20, 22], [3, 21]]
    assert len(found) == 8
