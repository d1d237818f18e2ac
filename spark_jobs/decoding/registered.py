"""Values in the schema registry's wire format: which schema wrote them, and what it makes of them.

Belongs here: the frame around the bytes, and each schema once per process. Does not belong here: asking the registry
(registry), the encodings (avro, protobuf, json_documents).

The frame is a byte 0, the schema's id in four bytes and, for Protobuf, which of the file's messages it is; newer
serializers write a header instead, with a byte 1 and the schema's GUID.
"""

import functools
import time
import uuid
from collections.abc import Callable
from typing import Any

from spark_jobs.contract.payment_event import Reason
from spark_jobs.decoding import avro, json_documents
from spark_jobs.decoding.registry import Registry, RegistryUnavailable, Schema, UnknownSchema, read_access
from spark_jobs.decoding.results import BadSchema, Headers
from spark_jobs.parsing.json_text import Refused
from spark_jobs.settings import SettingError

VALUE_HEADER, KEY_HEADER = "__value_schema_id", "__key_schema_id"
UNKNOWN_SECONDS = 30.0
"""How long an id that the registry did not know is not asked for again: it may be registered by then."""
ID_END = 5
"""Where the frame ends that an id stands in, and the message or its indexes begin."""
_GUID_END = 17
_GUID_MAGIC = 1
_MOST_INDEXES = 32

type Read = Callable[[bytes, int, bytes], Any]
"""Of all bytes, where the message begins in them, and what follows the id where that stands in a header."""


class Registered:
    """Readers of the schemas that were met, by id.

    Args:
        registry: whom to ask.
        clock: seconds.
    """

    def __init__(self, registry: Registry, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._clock = clock
        self._readers: dict[bytes, Read] = {}
        self._schemas: dict[bytes, Schema] = {}
        self._unknown: dict[bytes, float] = {}

    def read(self, content: bytes, header: bytes | None = None) -> Any:
        """What the bytes are by their schema.

        Args:
            content: a record's value, or its key.
            header: of VALUE_HEADER or KEY_HEADER, where the record has it.

        Raises:
            Refused: they are in no such frame, the schema is unknown, or the bytes are not what it says.
            RegistryUnavailable: the schema is not known yet, and nobody can be asked.
        """
        if header is None:
            reader = self._readers.get(content[:ID_END])
            if reader is not None:
                return reader(content, ID_END, b"")
        else:
            key = header[:ID_END] if is_framed(header) else header[:_GUID_END]
            return self._reader(key)(content, 0, header[len(key) :])
        if not is_framed(content):
            raise Refused(Reason.UNDECODABLE)
        return self._reader(content[:ID_END])(content, ID_END, b"")

    def schema(self, key: bytes) -> Schema | None:
        """The schema that the first bytes of a value name, ID_END of them; None where the registry does not know it.

        Raises:
            RegistryUnavailable: the schema is not known yet, and nobody can be asked.
        """
        try:
            self._reader(key)
        except Refused:
            return None
        return self._schemas.get(key)

    def _reader(self, key: bytes) -> Read:
        reader = self._readers.get(key)
        if reader is None:
            reader = self._readers[key] = self._asked(key)
        return reader

    def _asked(self, key: bytes) -> Read:
        path = _path(key)
        if self._clock() < self._unknown.get(key, 0):
            raise Refused(Reason.UNKNOWN_SCHEMA)
        try:
            schema = self._registry.schema(path)
        except UnknownSchema:
            self._forget()
            self._unknown[key] = self._clock() + UNKNOWN_SECONDS
            raise Refused(Reason.UNKNOWN_SCHEMA) from None
        self._schemas[key] = schema
        try:
            return _reader_of(schema.kind, schema.text, schema.references)
        except BadSchema:
            return _refuse

    def _forget(self) -> None:
        now = self._clock()
        self._unknown = {key: until for key, until in self._unknown.items() if until > now}


def header_of(headers: Headers | None, name: str) -> bytes | None:
    """The last header of this name, as Kafka's own clients take it."""
    return next((content for known, content in reversed(headers or ()) if known == name), None)


def is_framed(content: bytes) -> bool:
    """Whether bytes begin as the wire format does, and as no JSON text does."""
    return content[:1] == b"\0"


@functools.cache
def registered_of_process() -> Registered:
    """The readers of this process. Raises RegistryUnavailable where its settings name no registry, or are wrong."""
    try:
        return Registered(Registry(read_access()))
    except SettingError as error:
        raise RegistryUnavailable(str(error)) from None


def _path(key: bytes) -> str:
    if len(key) == ID_END and is_framed(key):
        return f"ids/{int.from_bytes(key[1:])}"
    if len(key) == _GUID_END and key[0] == _GUID_MAGIC:
        return f"guids/{uuid.UUID(bytes=key[1:])}"
    raise Refused(Reason.UNDECODABLE)


def _reader_of(kind: str, text: str, references: dict[str, str]) -> Read:
    if kind == "AVRO":
        of_avro = avro.reader_of(text, list(references.values()))
        return lambda content, at, _rest: of_avro(content, at)
    if kind == "PROTOBUF":
        from spark_jobs.decoding.protobuf import Messages

        messages = Messages(text, references)

        def of_protobuf(content: bytes, at: int, rest: bytes) -> Any:
            if at:
                indexes, start = _indexes(content, at)
                return messages.read(content[start:], indexes)
            return messages.read(content, _indexes(rest, 0)[0])

        return of_protobuf
    if kind == "JSON":
        return lambda content, at, _rest: json_documents.read(content[at:])
    return _refuse


def _indexes(content: bytes, at: int) -> tuple[tuple[int, ...], int]:
    """Places of messages, how many of them first; a lone 0 is the first message. Numbers as Avro's."""
    try:
        count, at = avro.read_long(content, at)
        if not 0 <= count <= _MOST_INDEXES:
            raise Refused(Reason.UNDECODABLE)
        found = []
        for _ in range(count):
            index, at = avro.read_long(content, at)
            found.append(index)
    except (IndexError, ValueError):
        raise Refused(Reason.UNDECODABLE) from None
    if any(index < 0 for index in found):
        raise Refused(Reason.UNDECODABLE)
    return tuple(found) or (0,), at


def _refuse(_content: bytes, _at: int, _rest: bytes) -> Any:
    raise Refused(Reason.UNDECODABLE)
