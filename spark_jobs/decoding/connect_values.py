"""Kafka Connect's JSON envelope {"schema", "payload"}: the payload, with decimals that are written as bytes read.

Belongs here: what Connect's JsonConverter does to values that JSON has no form for. Does not belong here: Debezium's
own envelope (debezium). Pure.
"""

import base64
import binascii
from decimal import InvalidOperation
from typing import Any

from spark_jobs.contract.payment_event import Reason
from spark_jobs.decoding.plain_values import scaled
from spark_jobs.decoding.results import Document
from spark_jobs.parsing.json_text import Refused

_DECIMAL = "org.apache.kafka.connect.data.Decimal"
_VARIABLE_SCALE = "io.debezium.data.VariableScaleDecimal"


def unwrapped(document: Document) -> Any:
    """The payload of an envelope, or the document itself where it is none.

    Raises:
        Refused: the payload is not what the schema says.
    """
    if document.keys() != {"schema", "payload"}:
        return document
    schema, payload = document["schema"], document["payload"]
    try:
        return _read(schema, payload) if isinstance(schema, dict) else payload
    except (AttributeError, KeyError, TypeError, ValueError, binascii.Error, InvalidOperation):
        raise Refused(Reason.UNDECODABLE) from None


def _read(schema: dict[str, Any], value: Any) -> Any:
    if value is None:
        return None
    name = schema.get("name")
    if name == _DECIMAL:
        return scaled(_bytes(value), _scale(schema["parameters"]["scale"]))
    if name == _VARIABLE_SCALE:
        return scaled(_bytes(value["value"]), value["scale"])
    kind = schema.get("type")
    if kind == "struct":
        fields = {field["field"]: field for field in schema["fields"]}
        return {member: _read(fields.get(member, {}), content) for member, content in value.items()}
    if kind == "array":
        return [_read(schema["items"], item) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {member: _read(schema["values"], content) for member, content in value.items()}
    return value


def _scale(written: Any) -> int:
    """Connect writes a text. The whole number of 1e999999999, which JSON can write as well, has a billion digits."""
    if not isinstance(written, str | int):
        raise TypeError(written)
    return int(written)


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
