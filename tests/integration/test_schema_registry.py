"""A real schema registry: records of each kind, an id that it does not know, and what happens while it is away."""

import io
import json
import struct
from decimal import Decimal
from pathlib import Path

import fastavro
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from spark_jobs.contract.payment_event import Reason
from spark_jobs.decoding.documents import Document, Format, Unreadable, decode
from spark_jobs.decoding.proto_compiler import compiled
from spark_jobs.decoding.registered import Registered
from spark_jobs.decoding.registry import Access, Registry, RegistryUnavailable
from tests.schema_registry import stopped_registry

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
JSON_SCHEMA = {"title": "Payment", "type": "object", "properties": {"id": {"type": "string"}}}
COMMON_PROTO = 'syntax = "proto3"; package shop; message Party { string id = 1; }'
PAYMENT_PROTO = """
syntax = "proto3";
package shop;
import "common.proto";
message Refund { string id = 1; }
message Payment { string id = 1; int64 amount_minor = 2; Party payer = 3; }
"""


def framed(schema_id: int, message: bytes, indexes: bytes = b"") -> bytes:
    return struct.pack(">bI", 0, schema_id) + indexes + message


def avro_message() -> bytes:
    named = {**PAYMENT, "fields": [*PAYMENT["fields"][:2], {"name": "payer", "type": PARTY}]}
    stream = io.BytesIO()
    payment = {"id": "payment-1", "amount": Decimal("12.30"), "payer": {"id": "acc-1"}}
    fastavro.schemaless_writer(stream, fastavro.parse_schema(json.loads(json.dumps(named))), payment)
    return stream.getvalue()


def protobuf_message() -> bytes:
    pool = DescriptorPool()
    for file in compiled(PAYMENT_PROTO, {"common.proto": COMMON_PROTO}).file:
        pool.Add(file)
    message = GetMessageClass(pool.FindMessageTypeByName("shop.Payment"))(id="payment-1", amount_minor=1230)
    message.payer.id = "acc-1"
    content: bytes = message.SerializeToString()
    return content


def test_a_registry_that_is_away_stops_nothing_for_longer_than_it_is_away(tmp_path: Path) -> None:
    with stopped_registry(tmp_path / "registry.log") as server:
        registered = Registered(Registry(Access(server.url), wait=lambda _: None))

        def read(*values: bytes) -> list[Document | Unreadable]:
            return decode(values, None, None, Format.AVRO, registered)

        with pytest.raises(RegistryUnavailable, match="does not answer"):
            read(framed(1, b""))
        server.start()
        server.register("party", {"schema": json.dumps(PARTY)})
        server.register("common", {"schemaType": "PROTOBUF", "schema": COMMON_PROTO})
        party = {"name": "shop.Party", "subject": "party", "version": 1}
        common = {"name": "common.proto", "subject": "common", "version": 1}
        avro = server.register("a-value", {"schema": json.dumps(PAYMENT), "references": [party]})
        protobuf = server.register(
            "p-value", {"schemaType": "PROTOBUF", "schema": PAYMENT_PROTO, "references": [common]}
        )
        of_json = server.register("j-value", {"schemaType": "JSON", "schema": json.dumps(JSON_SCHEMA)})
        records = [
            framed(avro, avro_message()),
            framed(protobuf, protobuf_message(), indexes=b"\x02\x02"),
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
