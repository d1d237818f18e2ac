"""Records of a batch into documents: which format each is read by, and what becomes of those that cannot be read.

Belongs here: the order of the steps, for values and for the keys of tombstones. Does not belong here: a format's own
rules (the other modules of this package). Pure, but for the registry that it is given.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from spark_jobs.contract.payment_event import MAX_VALUE_BYTES, Reason
from spark_jobs.decoding import cloud_events, debezium, json_documents
from spark_jobs.decoding.registered import (
    KEY_HEADER,
    VALUE_HEADER,
    Registered,
    header_of,
    is_framed,
    registered_of_process,
)
from spark_jobs.decoding.registry import has_registry
from spark_jobs.decoding.results import Document, Format, Headers, Unreadable
from spark_jobs.parsing.json_text import Refused
from spark_jobs.parsing.record_keys import payment_named, payment_of

__all__ = ["Document", "Format", "Headers", "Unreadable", "decode"]


def decode(
    values: Sequence[bytes | None],
    keys: Sequence[bytes | None] | None,
    headers: Sequence[Headers | None] | None,
    fmt: Format,
    registered: Registered | None = None,
) -> list[Document | Unreadable]:
    """One entry per record, in order. Never raises for what a record's bytes are.

    Args:
        values: the records' values.
        keys: their keys, as many; None where they do not matter. Only deletions ask for one.
        headers: their headers, as many; None where there are none.
        fmt: how the topic's records are written.
        registered: the registry's schemas; default: those of the process, which is told of the registry by settings.

    Raises:
        RegistryUnavailable: a schema is not known yet, and the registry cannot be asked.
    """
    nothing = [None] * len(values)
    reader = _Reader(fmt, registered)
    plainly = reader.plainly()
    entries: list[Document | Unreadable] = []
    for value, key, of_record in zip(values, keys or nothing, headers or nothing, strict=True):
        document = None
        if plainly and value and len(value) <= MAX_VALUE_BYTES:
            try:
                document = plainly(value, header_of(of_record, VALUE_HEADER) if of_record else None)
            except Refused as refused:
                entries.append(Unreadable(refused.reason))
                continue
        entries.append(document if isinstance(document, dict) else reader.read(value, key, of_record))
    return entries


class _Reader:
    """Records of one format."""

    def __init__(self, fmt: Format, registered: Registered | None) -> None:
        self._format = fmt
        self._given = registered

    def plainly(self) -> Callable[[bytes, bytes | None], Any] | None:
        """What reads a value that is neither empty nor too large; None where it takes more than a value."""
        if self._format is Format.JSON:
            return lambda value, _header: json_documents.read(value)
        return self._registered().read if self._format.needs_a_registry else None

    def read(self, value: bytes | None, key: bytes | None, headers: Headers | None) -> Document | Unreadable:
        try:
            if value is None:
                return debezium.tombstone(self._payment(key, headers))
            if not value.strip():
                raise Refused(Reason.EMPTY_VALUE)
            if len(value) > MAX_VALUE_BYTES:
                raise Refused(Reason.OVERSIZE)
            if self._format is Format.CLOUDEVENTS:
                return cloud_events.document_of(value, headers, partial(self._payload, headers=headers))
            if self._format is Format.DEBEZIUM:
                return debezium.change_of(self._payload(value, headers), lambda: self._payment(key, headers))
            raise Refused(Reason.NOT_AN_OBJECT)
        except Refused as refused:
            return Unreadable(refused.reason)

    def _payload(self, value: bytes, headers: Headers | None) -> Document:
        """JSON, or what a schema of the registry has written: no JSON text begins as that does."""
        header = header_of(headers, VALUE_HEADER)
        if header is None and not is_framed(value):
            return json_documents.read(value)
        document = self._registered().read(value, header)
        if not isinstance(document, dict):
            raise Refused(Reason.NOT_AN_OBJECT)
        return document

    def _payment(self, key: bytes | None, headers: Headers | None) -> str | None:
        header = header_of(headers, KEY_HEADER)
        if key is None or self._format is Format.JSON or (header is None and not is_framed(key)):
            return payment_of(key)
        return payment_named(self._registered().read(key, header))

    def _registered(self) -> Registered:
        # A stray record must not stop a topic that needs no registry.
        if not self._given and not self._format.needs_a_registry and not has_registry():
            raise Refused(Reason.UNKNOWN_SCHEMA)
        return self._given or registered_of_process()
