"""CloudEvents: binary and structured records of one event are one document."""

import base64
import json
from decimal import Decimal

import pytest

from spark_jobs.contract.payment_event import Reason
from spark_jobs.decoding.documents import Format, Headers, Unreadable, decode

DATA = b'{"id":"payment-1","amount":12.30}'
EVENT = {"specversion": "1.0", "id": "event-1", "source": "/shop", "type": "payment.made"}
BINARY: Headers = [(f"ce_{name}", text.encode()) for name, text in EVENT.items()]
STRUCTURED: Headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
DOCUMENT = EVENT | {"data": {"id": "payment-1", "amount": Decimal("12.30")}}


def decoded(value: bytes | None, headers: Headers | None) -> object:
    [document] = decode([value], [b"event-1"], [headers], Format.CLOUDEVENTS)
    return document


def structured(**members: object) -> bytes:
    return json.dumps(EVENT | members).encode()


def test_a_binary_event_has_its_attributes_beside_its_data() -> None:
    typed = decoded(DATA, [*BINARY, ("content-type", b"application/json"), ("traceparent", b"00-1")])
    assert typed == DOCUMENT | {"datacontenttype": "application/json"}
    assert decoded(DATA, BINARY) == DOCUMENT


def test_a_structured_event_is_the_same_document() -> None:
    value = json.dumps(EVENT)[:-1].encode() + b',"data":' + DATA + b"}"
    assert decoded(value, STRUCTURED) == DOCUMENT
    assert decoded(value, None) == DOCUMENT, "not every producer sends a content type"


def test_data_in_base64_is_read_as_if_it_stood_there() -> None:
    assert decoded(structured(data_base64=base64.b64encode(DATA).decode()), STRUCTURED) == DOCUMENT


@pytest.mark.parametrize(
    ("value", "headers", "reason"),
    [
        (b'{"id":"payment-1"}', None, Reason.UNDECODABLE),
        (b'{"id":"payment-1"}', STRUCTURED, Reason.UNDECODABLE),
        (DATA, [("ce_id", b"event-1")], Reason.UNDECODABLE),
        (DATA, [*BINARY, ("ce_subject", b"\xff")], Reason.INVALID_UTF8),
        (b"no json", BINARY, Reason.INVALID_JSON),
        (b"no json", STRUCTURED, Reason.INVALID_JSON),
        (b"", BINARY, Reason.EMPTY_VALUE),
        (structured(data_base64="%"), STRUCTURED, Reason.UNDECODABLE),
        (structured(data_base64=1), STRUCTURED, Reason.UNDECODABLE),
        (structured(data_base64=base64.b64encode(b"[]").decode()), STRUCTURED, Reason.NOT_AN_OBJECT),
    ],
)
def test_what_is_no_event_or_has_no_readable_data_is_refused(
    value: bytes, headers: Headers | None, reason: Reason
) -> None:
    assert decoded(value, headers) == Unreadable(reason)


def test_an_event_without_a_value_is_a_tombstone_of_its_key() -> None:
    assert decoded(None, BINARY) == Unreadable(Reason.TOMBSTONE, "event-1")
