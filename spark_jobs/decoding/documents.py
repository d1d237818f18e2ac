"""Records of a batch into documents: which format each is read by, and what becomes of those that cannot be read.

Belongs here: the order of the steps, for values and for the keys of tombstones. Does not belong here: a format's own
rules (the other modules of this package). Pure, but for the registry that it is given.
"""

from collections.abc import Sequence

from spark_jobs.contract.payment_event import MAX_VALUE_BYTES, Reason
from spark_jobs.decoding import cloud_events, debezium, json_documents
from spark_jobs.decoding.results import Document, Format, Headers, Unreadable
from spark_jobs.parsing.json_text import Refused
from spark_jobs.parsing.record_keys import payment_of

__all__ = ["Document", "Format", "Headers", "Unreadable", "decode"]


def decode(
    values: Sequence[bytes | None],
    keys: Sequence[bytes | None] | None,
    headers: Sequence[Headers | None] | None,
    fmt: Format,
) -> list[Document | Unreadable]:
    """One entry per record, in order. Never raises for what a record's bytes are.

    Args:
        values: the records' values.
        keys: their keys, as many; None where they do not matter. Only deletions ask for one.
        headers: their headers, as many; None where there are none.
        fmt: how the topic's records are written.
    """
    nothing = [None] * len(values)
    return [
        _decode_one(value, key, of_record, fmt)
        for value, key, of_record in zip(values, keys or nothing, headers or nothing, strict=True)
    ]


def _decode_one(value: bytes | None, key: bytes | None, headers: Headers | None, fmt: Format) -> Document | Unreadable:
    try:
        if value is None:
            return debezium.tombstone(payment_of(key))
        if fmt is Format.JSON:
            return json_documents.read(value)
        if not value:
            raise Refused(Reason.EMPTY_VALUE)
        if len(value) > MAX_VALUE_BYTES:
            raise Refused(Reason.OVERSIZE)
        if fmt is Format.CLOUDEVENTS:
            return cloud_events.document_of(value, headers, json_documents.read)
        if fmt is Format.DEBEZIUM:
            return debezium.change_of(json_documents.read(value), payment_of(key))
        raise NotImplementedError(fmt)
    except Refused as refused:
        return Unreadable(refused.reason)
