"""CloudEvents 1.0 in Kafka's binding, binary and structured, into one form: that of their JSON format.

Belongs here: which of the two a record is, and its attributes. Does not belong here: how the data is written. Pure.

A document has the attributes beside `data`: {"specversion", "id", "source", "type", ..., "data": {...}}.
"""

import base64
import binascii
from collections.abc import Callable

from spark_jobs.contract.payment_event import Reason
from spark_jobs.decoding.json_documents import read
from spark_jobs.decoding.results import Document, Headers
from spark_jobs.parsing.json_text import Refused

_PREFIX = "ce_"
_STRUCTURED = "application/cloudevents"


def document_of(value: bytes, headers: Headers | None, payload: Callable[[bytes], Document]) -> Document:
    """The event that a record carries.

    Args:
        value: the record's value.
        headers: its headers.
        payload: reads data that is not part of the event's own JSON.

    Raises:
        Refused: it is no event, or its data cannot be read.
    """
    attributes = {name: content for name, content in headers or () if content is not None}
    content_type = attributes.get("content-type", b"").decode("utf-8", "replace").lower()
    if content_type.startswith(_STRUCTURED) or not any(name.startswith(_PREFIX) for name in attributes):
        return _structured(value, payload)
    event: Document = {
        name.removeprefix(_PREFIX): _text(content) for name, content in attributes.items() if name.startswith(_PREFIX)
    }
    if content_type:
        event["datacontenttype"] = content_type
    return _checked(event) | {"data": payload(value)}


def _structured(value: bytes, payload: Callable[[bytes], Document]) -> Document:
    event = _checked(read(value))
    encoded = event.pop("data_base64", None)
    if encoded is not None:
        try:
            data = base64.b64decode(encoded, validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise Refused(Reason.UNDECODABLE) from None
        event["data"] = payload(data)
    return event


def _checked(event: Document) -> Document:
    if not event.get("specversion"):
        raise Refused(Reason.UNDECODABLE)
    return event


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(Reason.INVALID_UTF8) from None
