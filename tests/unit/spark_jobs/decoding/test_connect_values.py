"""Kafka Connect's envelope: the payload, decimals exact."""

import base64
from decimal import Decimal
from typing import Any

import pytest

from spark_jobs.contract.payment_event import Reason
from spark_jobs.decoding.connect_values import unwrapped
from spark_jobs.parsing.json_text import Refused

DECIMAL = {"type": "bytes", "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "2"}}
VARIABLE = {"type": "struct", "name": "io.debezium.data.VariableScaleDecimal", "fields": []}


def base64_of(unscaled: int) -> str:
    """As Java's BigInteger.toByteArray, in base64."""
    return base64.b64encode(unscaled.to_bytes(unscaled.bit_length() // 8 + 1, signed=True)).decode()


def struct(**fields: Any) -> dict[str, Any]:
    return {"type": "struct", "fields": [{"field": name} | schema for name, schema in fields.items()]}


def test_what_is_no_envelope_stays_as_it_is() -> None:
    assert unwrapped({"payload": 1}) == {"payload": 1}
    assert unwrapped({"schema": None, "payload": {"a": 1}}) == {"a": 1}
    assert unwrapped({"schema": {"type": "string"}, "payload": None}) is None


def test_decimals_are_read_wherever_they_stand() -> None:
    schema = struct(
        amount=DECIMAL,
        none=DECIMAL,
        rate=VARIABLE,
        lines={"type": "array", "items": struct(price=DECIMAL)},
        fees={"type": "map", "values": DECIMAL},
        note={"type": "string"},
    )
    payload = {
        "amount": base64_of(-123456),
        "none": None,
        "rate": {"scale": 5, "value": base64_of(110000)},
        "lines": [{"price": base64_of(1)}],
        "fees": {"card": base64_of(250)},
        "note": "EiNF",
        "unknown": 7,
    }
    assert unwrapped({"schema": schema, "payload": payload}) == {
        "amount": Decimal("-1234.56"),
        "none": None,
        "rate": Decimal("1.10000"),
        "lines": [{"price": Decimal("0.01")}],
        "fees": {"card": Decimal("2.50")},
        "note": "EiNF",
        "unknown": 7,
    }


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        (struct(amount=DECIMAL), {"amount": "%"}),
        (struct(amount=DECIMAL), {"amount": 1}),
        (struct(amount=DECIMAL | {"parameters": {}}), {"amount": "AQ=="}),
        (struct(amount=DECIMAL | {"parameters": {"scale": Decimal("1e999999999")}}), {"amount": "AQ=="}),
        (struct(amount=VARIABLE), {"amount": {"scale": Decimal("1e999999999"), "value": "AQ=="}}),
        (struct(amount=DECIMAL), "no struct"),
        ({"type": "struct"}, {}),
        ({"type": "array"}, [1]),
    ],
)
def test_a_payload_that_is_not_what_its_schema_says_is_refused(schema: Any, payload: Any) -> None:
    with pytest.raises(Refused) as refused:
        unwrapped({"schema": schema, "payload": payload})
    assert refused.value.reason is Reason.UNDECODABLE
