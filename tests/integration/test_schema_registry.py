"""A real schema registry: records of each format, ids that it does not know, and what a run does while it is away.

One server is started, stopped and started again: what it knew is gone then.
"""

import io
import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import fastavro
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from orchestration.verification.proof import judge
from spark_jobs.contract.payment_event import Disposition, Reason
from spark_jobs.decoding.documents import Document, Format, Unreadable, decode
from spark_jobs.decoding.proto_compiler import compiled
from spark_jobs.decoding.registered import Registered, registered_of_process
from spark_jobs.decoding.registry import Access, Registry, RegistryUnavailable
from spark_jobs.incidents import IncidentKind
from spark_jobs.tables import catalog
from tests.faults.drivers import Driver
from tests.schema_registry import ApicurioRegistry, stopped_registry
from tests.world import World

pytestmark = pytest.mark.integration

PARTY = {"type": "record", "name": "Party", "namespace": "shop", "fields": [{"name": "id", "type": "string"}]}
AMOUNT = {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}
PAYMENT = {
    "type": "record",
    "name": "Payment",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "amount", "type": AMOUNT},
        {"name": "payer", "type": "Party"},
    ],
}
WHOLE = {**PAYMENT, "fields": [*PAYMENT["fields"][:2], {"name": "payer", "type": PARTY}]}
"""The same without a reference."""
JSON_SCHEMA: dict[str, Any] = {
    "title": "Payment",
    "type": "object",
    "properties": {"id": {"type": "string"}, "payer": {"type": "object", "properties": {"id": {"type": "string"}}}},
}
JSON_SCHEMA_2 = {**JSON_SCHEMA, "properties": {**JSON_SCHEMA["properties"], "place": {"type": "object"}}}
MAPPING = """mapping = 1
version = "1"
format = "{format}"

[fields]
transaction_id = "id"
event_time = {{ from = "timestamp()", format = "epoch_us" }}
sender_account_id = "payer.id"
receiver_account_id = "'shop'"
currency = "'EUR'"
country = "place.country"
amount = {{ from = "{amount}", unit = "{unit}" }}
"""
COMMON_PROTO = 'syntax = "proto3"; package shop; message Party { string id = 1; }'
COMMON = {"name": "common.proto", "subject": "common", "version": 1}
PAYMENT_PROTO = """
syntax = "proto3";
package shop;
import "common.proto";
message Refund { string id = 1; }
message Payment { string id = 1; int64 amount_minor = 2; Party payer = 3; }
"""
PAYMENT_PROTO_2 = """
syntax = "proto3";
package shop;
import "common.proto";
message Refund { string id = 1; }
message Payment {
  string id = 1; int64 amount_minor = 2; Party payer = 3; Place place = 4;
  message Place { string country = 1; }
}
message Sale { message Payment { string id = 1; int64 amount_minor = 2; Party payer = 3; } }
"""
SECOND, WITHIN_THIRD, EIGHTH = b"\x02\x02", b"\x04\x04\x00", b"\x02\x0e"
"""Which message of its file a record is."""


def framed(schema_id: int, message: bytes, indexes: bytes = b"") -> bytes:
    return struct.pack(">bI", 0, schema_id) + indexes + message


def avro_message() -> bytes:
    stream = io.BytesIO()
    payment = {"id": "payment-1", "amount": Decimal("12.30"), "payer": {"id": "acc-1"}}
    fastavro.schemaless_writer(stream, fastavro.parse_schema(json.loads(json.dumps(WHOLE))), payment)
    return stream.getvalue()


def protobuf_message(text: str = PAYMENT_PROTO, name: str = "shop.Payment", **fields: Any) -> bytes:
    pool = DescriptorPool()
    for file in compiled(text, {"common.proto": COMMON_PROTO}).file:
        pool.Add(file)
    of_all = {"id": "payment-1", "amount_minor": 1230, "payer": {"id": "acc-1"}}
    content: bytes = GetMessageClass(pool.FindMessageTypeByName(name))(**of_all | fields).SerializeToString()
    return content


def json_message(**fields: Any) -> bytes:
    return json.dumps({"id": "payment-1", "amount": 12.30, "payer": {"id": "acc-1"}} | fields).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApicurioRegistry]:
    """Whether it runs, and what it knows, is what the last test left: each begins by stopping or by starting it."""
    with stopped_registry(tmp_path_factory.mktemp("registry") / "registry.log") as registry:
        yield registry


@pytest.fixture
def mapped(world: World, server: ApicurioRegistry, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose processes, Spark's workers among them, ask this registry."""
    monkeypatch.setenv("SCHEMA_REGISTRY_URL", server.url)
    monkeypatch.setitem(world.spark.sparkContext.environment, "SCHEMA_REGISTRY_URL", server.url)
    registered_of_process.cache_clear()
    world.settings = replace(world.settings, event_mapping=str(world.folder / "payment_event.toml"))
    yield world
    registered_of_process.cache_clear()


def test_a_registry_that_is_away_stops_nothing_for_longer_than_it_is_away(server: ApicurioRegistry) -> None:
    server.stop()
    registered = Registered(Registry(Access(server.url), wait=lambda _: None))

    def read(*values: bytes) -> list[Document | Unreadable]:
        return decode(values, None, None, Format.AVRO, registered)

    with pytest.raises(RegistryUnavailable, match="does not answer"):
        read(framed(1, b""))
    server.start()
    server.register("party", {"schema": json.dumps(PARTY)})
    server.register("common", {"schemaType": "PROTOBUF", "schema": COMMON_PROTO})
    party = {"name": "shop.Party", "subject": "party", "version": 1}
    avro = server.register("a-value", {"schema": json.dumps(PAYMENT), "references": [party]})
    protobuf = server.register("p-value", {"schemaType": "PROTOBUF", "schema": PAYMENT_PROTO, "references": [COMMON]})
    of_json = server.register("j-value", {"schemaType": "JSON", "schema": json.dumps(JSON_SCHEMA)})
    records = [
        framed(avro, avro_message()),
        framed(protobuf, protobuf_message(), SECOND),
        framed(of_json, b'{"id":"payment-1","amount":12.30}'),
    ]
    documents = [
        {"id": "payment-1", "amount": Decimal("12.30"), "payer": {"id": "acc-1"}},
        {"id": "payment-1", "amount_minor": 1230, "payer": {"id": "acc-1"}},
        {"id": "payment-1", "amount": Decimal("12.30")},
    ]
    assert read(*records, framed(999_999, b"")) == [*documents, Unreadable(Reason.UNKNOWN_SCHEMA)]
    server.stop()
    assert read(*records) == documents, "a schema that was fetched needs no registry any more"
    with pytest.raises(RegistryUnavailable, match="does not answer"):
        read(framed(998, b""))


class Sent(NamedTuple):
    """A record, and what becomes of it."""

    value: bytes
    disposition: Disposition
    reasons: tuple[Reason, ...] = ()


def held(value: bytes, reason: Reason) -> Sent:
    return Sent(value, Disposition.QUARANTINED, (reason,))


def in_protobuf(server: ApicurioRegistry) -> list[Sent]:
    """Payments by two versions of a schema, one that is declared within another message, and what is none."""
    server.register("common", {"schemaType": "PROTOBUF", "schema": COMMON_PROTO})
    first, second = (
        server.register("p-value", {"schemaType": "PROTOBUF", "schema": text, "references": [COMMON]})
        for text in (PAYMENT_PROTO, PAYMENT_PROTO_2)
    )
    with_place = protobuf_message(PAYMENT_PROTO_2, id="payment-2", place={"country": "DE"})
    within = protobuf_message(PAYMENT_PROTO_2, "shop.Sale.Payment", id="payment-3")
    return [
        Sent(framed(first, protobuf_message(), SECOND), Disposition.UNIQUE),
        Sent(framed(second, with_place, SECOND), Disposition.UNIQUE),
        Sent(framed(second, within, WITHIN_THIRD), Disposition.UNIQUE),
        Sent(framed(second, protobuf_message(PAYMENT_PROTO_2), SECOND), Disposition.DUPLICATE),
        held(framed(second + 999_999, protobuf_message(), SECOND), Reason.UNKNOWN_SCHEMA),
        held(framed(first, b"\xff\xff\xff", SECOND), Reason.UNDECODABLE),
        held(framed(first, protobuf_message(), EIGHTH), Reason.UNDECODABLE),
        held(json_message(), Reason.UNDECODABLE),
    ]


def in_json(server: ApicurioRegistry) -> list[Sent]:
    """Payments by two versions of a schema, and what is none."""
    first, second = (
        server.register("j-value", {"schemaType": "JSON", "schema": json.dumps(schema)})
        for schema in (JSON_SCHEMA, JSON_SCHEMA_2)
    )
    return [
        Sent(framed(first, json_message()), Disposition.UNIQUE),
        Sent(framed(second, json_message(id="payment-2", place={"country": "DE"})), Disposition.UNIQUE),
        Sent(framed(second, json_message(id="payment-3", place={})), Disposition.UNIQUE),
        Sent(framed(second, json_message()), Disposition.DUPLICATE),
        held(framed(second + 999_999, json_message()), Reason.UNKNOWN_SCHEMA),
        held(framed(first, json_message()[:-1]), Reason.INVALID_JSON),
        held(framed(first, json_message(payer="acc-1")), Reason.WRONG_TYPE),
        held(json_message(), Reason.UNDECODABLE),
    ]


FORMATS = {
    Format.PROTOBUF: (in_protobuf, {"amount": "amount_minor", "unit": "minor"}),
    Format.JSON_SCHEMA: (in_json, {"amount": "amount", "unit": "major"}),
}


@pytest.mark.thorough
@pytest.mark.parametrize("fmt", FORMATS)
def test_records_of_two_versions_of_a_schema_are_payments_and_what_is_none_says_why(
    mapped: World, server: ApicurioRegistry, fmt: Format
) -> None:
    records_of, amount = FORMATS[fmt]
    (mapped.folder / "payment_event.toml").write_text(MAPPING.format(format=fmt, **amount))
    server.start()
    sent = records_of(server)
    places = mapped.send([record.value for record in sent])
    mapped.drain()
    became = mapped.deliveries()
    assert became.keys() == set(places)
    assert [
        Sent(r.value, became[at]["disposition"], tuple(became[at]["reasons"] or ()))
        for at, r in zip(places, sent, strict=True)
    ] == sent
    columns = ("transaction_id", "amount_minor", "sender_account_id", "country")
    payments = sorted(tuple(row[name] for name in columns) for row in mapped.rows(catalog.TRANSACTIONS))
    assert payments == [
        ("payment-1", 1230, "acc-1", None),
        ("payment-2", 1230, "acc-1", "DE"),
        ("payment-3", 1230, "acc-1", None),
    ]
    verdict = judge(mapped.client, mapped.settings, None)
    assert (verdict.breaks, dict(verdict.not_reread)) == ([], {})


@pytest.mark.thorough
def test_a_run_without_its_registry_stops_with_an_incident_and_the_next_one_loses_nothing(
    mapped: World, server: ApicurioRegistry
) -> None:
    path = mapped.folder / "payment_event.toml"
    path.write_text(MAPPING.format(format=Format.AVRO, amount="amount", unit="major"))
    server.stop()
    [place] = mapped.send([framed(1, avro_message())])
    away, back = Driver(mapped), Driver(mapped)
    try:
        assert away.drain() != 0
        assert f"{IncidentKind.SCHEMA_REGISTRY_FAILED}: " in away.output()
        assert [row["kind"] for row in mapped.rows(catalog.INCIDENTS)] == [IncidentKind.SCHEMA_REGISTRY_FAILED]
        assert mapped.dispositions() == {}
        server.start()
        assert server.register("a-value", {"schema": json.dumps(WHOLE)}) == 1
        assert back.drain() == 0, back.output()
    finally:
        away.close()
        back.close()
    assert mapped.dispositions() == {place: Disposition.UNIQUE}
