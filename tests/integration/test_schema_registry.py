"""A real schema registry: records of each kind, an id that it does not know, and what a run does while it is away."""

import io
import json
import struct
from decimal import Decimal
from pathlib import Path

import fastavro
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from spark_jobs.contract.payment_event import Disposition, Reason
from spark_jobs.decoding.documents import Document, Format, Unreadable, decode
from spark_jobs.decoding.proto_compiler import compiled
from spark_jobs.decoding.registered import Registered
from spark_jobs.decoding.registry import Access, Registry, RegistryUnavailable
from spark_jobs.incidents import IncidentKind
from spark_jobs.tables import catalog
from tests.faults.drivers import Driver
from tests.schema_registry import stopped_registry
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
JSON_SCHEMA = {"title": "Payment", "type": "object", "properties": {"id": {"type": "string"}}}
MAPPING = """mapping = 1
version = "1"
format = "avro"

[fields]
transaction_id = "id"
event_time = { from = "timestamp()", format = "epoch_us" }
sender_account_id = "payer.id"
receiver_account_id = "'shop'"
currency = "'EUR'"
amount = { from = "amount", unit = "major" }
"""
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
    stream = io.BytesIO()
    payment = {"id": "payment-1", "amount": Decimal("12.30"), "payer": {"id": "acc-1"}}
    fastavro.schemaless_writer(stream, fastavro.parse_schema(json.loads(json.dumps(WHOLE))), payment)
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


@pytest.mark.thorough
def test_a_run_without_its_registry_stops_with_an_incident_and_the_next_one_loses_nothing(world: World) -> None:
    path = world.folder / "payment_event.toml"
    path.write_text(MAPPING)
    with stopped_registry(world.folder / "registry.log") as server:
        place = world.send([framed(1, avro_message())])[0]
        env = {"PAYMENTS_EVENT_MAPPING": str(path), "SCHEMA_REGISTRY_URL": server.url}
        away, back = Driver(world, **env), Driver(world, **env)
        try:
            assert away.drain() != 0
            assert f"{IncidentKind.SCHEMA_REGISTRY_FAILED}: " in away.output()
            assert [row["kind"] for row in world.rows(catalog.INCIDENTS)] == [IncidentKind.SCHEMA_REGISTRY_FAILED]
            assert world.dispositions() == {}
            server.start()
            assert server.register("a-value", {"schema": json.dumps(WHOLE)}) == 1
            assert back.drain() == 0, back.output()
        finally:
            away.close()
            back.close()
    assert world.dispositions() == {place: Disposition.UNIQUE}
