"""Debezium's change events, in their envelope or unwrapped, into one form: the row, and what happened to it.

Belongs here: the envelope, and which changes are deletions. Does not belong here: how the event is written (payloads).
Pure.

A document is the row as the source has it now, as Debezium's own ExtractNewRecordState would write it. What the
envelope says besides stands beside the row's columns: `__op` (c, r, u, t), `__ts_ms`, `__source`, and `__before`, the
row as it was.
"""

from collections.abc import Callable
from typing import Any

from spark_jobs.contract.payment_event import Reason
from spark_jobs.decoding.connect_values import unwrapped
from spark_jobs.decoding.json_documents import read
from spark_jobs.decoding.results import Document, Unreadable
from spark_jobs.parsing.json_text import Refused, is_unicode

_DELETE = "d"
_TOLD = ("op", "ts_ms", "source")


def change_of(document: Document, payment_id: Callable[[], str | None]) -> Document | Unreadable:
    """The row after a change, or what a deletion deleted.

    Args:
        document: the record's value.
        payment_id: asks what its key names.

    Raises:
        Refused: it is no change event.
    """
    event = unwrapped(document)
    if event is None:
        return tombstone(payment_id())
    if not isinstance(event, dict):
        raise Refused(Reason.NOT_AN_OBJECT)
    is_envelope = "op" in event and ("after" in event or "before" in event)
    row = _of_envelope(event) if is_envelope else event
    if row.get("__op") == _DELETE or row.get("__deleted") in ("true", True):
        return Unreadable(Reason.TOMBSTONE, payment_id(), row)
    return row


def tombstone(payment_id: str | None) -> Unreadable:
    """What a record without a value is."""
    return Unreadable(Reason.TOMBSTONE, payment_id) if payment_id else Unreadable(Reason.EMPTY_VALUE)


def _of_envelope(event: Document) -> Document:
    before, after = _row(event.get("before")), _row(event.get("after"))
    reported = {f"__{name}": event[name] for name in _TOLD if event.get(name) is not None}
    if event["op"] == _DELETE:
        return {**(before or {}), **reported}
    return {**(after or {}), **reported, **({"__before": before} if before is not None else {})}


def _row(image: Any) -> Document | None:
    if isinstance(image, str):
        # MongoDB's documents are JSON in a text.
        if not is_unicode(image):
            raise Refused(Reason.INVALID_UNICODE)
        return read(image.encode())
    if image is not None and not isinstance(image, dict):
        raise Refused(Reason.NOT_AN_OBJECT)
    return image
