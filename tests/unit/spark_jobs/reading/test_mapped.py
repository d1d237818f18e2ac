"""Mapped records: whichever way one goes, it becomes what it becomes alone."""

import io
import json
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.contract.code_lists import lists_of_now
from spark_jobs.contract.payment_event import MAX_VALUE_BYTES
from spark_jobs.decoding.documents import decode
from spark_jobs.decoding.registered import VALUE_HEADER, Registered
from spark_jobs.decoding.registry import Schema, UnknownSchema
from spark_jobs.mapping.apply import apply
from spark_jobs.mapping.spec import Mapping, read_mapping
from spark_jobs.reading import mapped
from spark_jobs.reading.mapped import read_mapped
from tests.unit.spark_jobs.damage import damaged
from tests.unit.spark_jobs.events import TEXT, charge
from tests.unit.spark_jobs.stream import Record, columns

JSON = read_mapping(TEXT)
AVRO = read_mapping(TEXT.replace('version = "shop-1"', 'version = "shop-1"\nformat = "avro"'))


def schema_of(payer: Any, amount: str) -> dict[str, Any]:
    """An Avro schema of the charges: what an account is, and what an amount is, changes between its versions."""
    data: list[dict[str, Any]] = [
        {"name": "id", "type": "string"},
        {"name": "paid_at", "type": "string"},
        {"name": "payer", "type": {"type": "record", "name": "Payer", "fields": [{"name": "account", "type": payer}]}},
        {"name": "currency", "type": ["null", "string"]},
        {"name": "amount", "type": amount},
    ]
    inner = {"type": "record", "name": "Data", "fields": data}
    fields = [{"name": "type", "type": "string"}, {"name": "data", "type": inner}]
    return {"type": "record", "name": "Charge", "fields": fields}


SCHEMAS = [schema_of("string", "long"), schema_of(["null", "string"], "int"), schema_of("string", "string")]


class Shelf:
    """A registry of SCHEMAS, by their numbers; 7 is no schema, and 8 no Avro."""

    def schema(self, path: str) -> Schema:
        """What Registry's `schema` gives."""
        number = int(path.removeprefix("ids/"))
        if number < len(SCHEMAS):
            return Schema("AVRO", json.dumps(SCHEMAS[number]), {})
        if number in (7, 8):
            return Schema("AVRO" if number == 7 else "JSON", "no schema", {})
        raise UnknownSchema(path)


SHELF: Any = Shelf()
REGISTERED = Registered(SHELF)


def avro(number: int, value: bytes) -> bytes:
    """The same charge in the registry's wire format."""
    document = json.loads(value)
    if number == 2:
        document["data"]["amount"] = str(document["data"]["amount"])
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(json.loads(json.dumps(SCHEMAS[number]))), document)
    return b"\0" + number.to_bytes(4) + stream.getvalue()


def both_ways(records: list[Record], mapping: Mapping) -> tuple[list[Any], list[Any]]:
    """What becomes of them, and what becomes of each alone, by decoding and apply."""
    batch, lists = columns(records), lists_of_now()
    values = [record.value for record in records]
    parsed, rules, dropped = read_mapped(batch, values, batch.column("timestamp"), lists, mapping, REGISTERED)
    keys, headers = [record.key for record in records], [record.headers for record in records]
    documents = decode(values, keys, headers, mapping.format, REGISTERED)
    alone = apply(mapping, documents, keys, headers, batch.column("timestamp"), lists.minor_units)
    return (
        list(zip(parsed.to_pylist(), rules.to_pylist(), dropped.to_pylist(), strict=True)),
        list(zip(alone.parsed.to_pylist(), alone.ignored, alone.dropped, strict=True)),
    )


CHARGES = st.builds(
    charge,
    st.text(max_size=4) | st.sampled_from(["p-1", "é"]),
    st.sampled_from([1250, 0, -5, 2**31 - 1]),
    st.sampled_from(["2026-11-21T11:59:00Z", "yesterday"]),
    st.sampled_from(["charge", "charge", "test"]),
)
OTHERS = st.sampled_from([None, b"", b" ", b"{", b"[]", b'{"type":null}', b"\0", b"\0\0\0\0\x09\0", b"\0\0\0\0\x07\0"])
HEADERS = st.sampled_from([None, None, None, ((VALUE_HEADER, b"\0\0\0\0\0"),), (("other", b"x"),)])


def records(values: st.SearchStrategy[bytes | None]) -> st.SearchStrategy[list[Record]]:
    return st.lists(st.builds(Record, values, key=st.none() | st.just(b"a-1"), headers=HEADERS), max_size=6)


@settings(max_examples=150, deadline=None)
@given(records(OTHERS | CHARGES.flatmap(damaged)))
def test_each_json_record_becomes_what_it_becomes_alone(of_batch: list[Record]) -> None:
    found, alone = both_ways(of_batch, JSON)
    assert found == alone


@settings(max_examples=150, deadline=None)
@given(records(OTHERS | st.builds(avro, st.integers(0, 2), CHARGES).flatmap(damaged)))
def test_each_avro_record_becomes_what_it_becomes_alone(of_batch: list[Record]) -> None:
    found, alone = both_ways(of_batch, AVRO)
    assert found == alone


def test_plain_records_of_several_schemas_are_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "decode", lambda *_: pytest.fail("read one by one"))
    batch = columns([Record(avro(number % 3, charge(f"p-{number}"))) for number in range(9)])
    values = batch.column("value").to_pylist()
    parsed, rules, _ = read_mapped(batch, values, batch.column("timestamp"), lists_of_now(), AVRO, REGISTERED)
    assert parsed["transaction_id"].to_pylist() == [f"p-{number}" for number in range(9)]
    assert parsed["amount"].to_pylist() == ["12.5"] * 9
    assert rules.null_count == 9


def test_a_batch_may_be_a_part_of_a_larger_one() -> None:
    batch = columns([Record(charge(f"p-{number}")) for number in range(9)]).slice(3, 4)
    values = batch.column("value").to_pylist()
    parsed, _, _ = read_mapped(batch, values, batch.column("timestamp"), lists_of_now(), JSON)
    assert parsed["transaction_id"].to_pylist() == [f"p-{number}" for number in range(3, 7)]


def test_one_record_is_as_large_as_the_contract_allows_and_the_next_too_large() -> None:
    note = '"note":"' + "x" * (MAX_VALUE_BYTES - len(charge("p-1")) - len('"note":"",')) + '",'
    fitting = charge("p-1").replace(b"{", b"{" + note.encode(), 1)
    assert len(fitting) == MAX_VALUE_BYTES
    found, alone = both_ways([Record(fitting), Record(fitting + b" "), Record(charge("p-2"))], JSON)
    assert found == alone
    assert [row["parse_reasons"] for row, _, _ in found] == [None, ["OVERSIZE"], None]


def test_no_records_are_no_rows() -> None:
    batch = columns([])
    for mapping in (JSON, AVRO):
        parsed, rules, _ = read_mapped(batch, [], batch.column("timestamp"), lists_of_now(), mapping, REGISTERED)
        assert (parsed.num_rows, len(rules)) == (0, 0)


def test_values_may_be_large_binaries() -> None:
    batch = columns([Record(charge("p-1"))])
    large = batch.set_column(4, "value", batch.column("value").cast(pa.large_binary()))
    parsed, _, _ = read_mapped(large, [charge("p-1")], batch.column("timestamp"), lists_of_now(), JSON)
    assert parsed["transaction_id"].to_pylist() == ["p-1"]
