"""Protobuf's binary encoding, by the .proto text that it was written with.

Belongs here: messages to documents. Does not belong here: compiling the text (proto_compiler), where it comes from
(registry), the frame around the bytes (registered). Pure, but for the compiler's files.

Names are those of the .proto text. A field that was not set is None. Where the encoding cannot tell (proto3 without
`optional`), a number is 0, a truth value False, an enum its first name; only a text or bytes are None where empty.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from spark_jobs.contract.payment_event import Reason
from spark_jobs.decoding.plain_values import of_bytes, of_double, of_single, scaled
from spark_jobs.decoding.proto_compiler import compiled
from spark_jobs.parsing.json_text import Refused

type Convert = Callable[[Any], Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOS = 9
_WRAPPERS = frozenset(
    f"google.protobuf.{kind}Value" for kind in "Double Float Int64 UInt64 Int32 UInt32 Bool String Bytes".split()
)


class Messages:
    """The messages of one .proto text. Arguments are those of proto_compiler.compiled, which says what is raised."""

    def __init__(self, text: str, references: Mapping[str, str]) -> None:
        files = compiled(text, references).file
        self._file: FileDescriptorProto = files[-1]
        self._pool = DescriptorPool()
        for file in files:
            self._pool.Add(file)
        self._readers: dict[tuple[int, ...], Callable[[bytes], Any]] = {}
        self._converts: dict[str, Convert] = {}

    def read(self, content: bytes, indexes: tuple[int, ...]) -> Any:
        """The document of a message.

        Args:
            content: its bytes.
            indexes: which of the file's messages it is: the place among them, then among those within it, and so on.

        Raises:
            Refused: there is no such message, or the bytes are none.
        """
        reader = self._readers.get(indexes)
        if reader is None:
            reader = self._readers[indexes] = self._reader(indexes)
        return reader(content)

    def _reader(self, indexes: Sequence[int]) -> Callable[[bytes], Any]:
        names = [self._file.package] if self._file.package else []
        messages: Sequence[DescriptorProto] = self._file.message_type
        try:
            for index in indexes:
                names.append(messages[index].name)
                messages = messages[index].nested_type
        except IndexError:
            raise Refused(Reason.UNDECODABLE) from None
        descriptor = self._pool.FindMessageTypeByName(".".join(names))
        parse, convert = GetMessageClass(descriptor).FromString, self._convert(descriptor)

        def read(content: bytes) -> Any:
            try:
                return convert(parse(content))
            except (DecodeError, UnicodeDecodeError):
                raise Refused(Reason.UNDECODABLE) from None

        return read

    def _convert(self, descriptor: Descriptor) -> Convert:
        name = descriptor.full_name
        if name in _SPECIAL:
            return _SPECIAL[name]
        if name not in self._converts:
            fields: list[tuple[str, Convert]] = []
            # Before its fields, which may be of this very type.
            self._converts[name] = lambda message: {field: get(message) for field, get in fields}
            fields += [(field.name, self._getter(field)) for field in descriptor.fields]
            if name in _WRAPPERS:
                convert = self._scalar(descriptor.fields_by_name["value"])
                self._converts[name] = (lambda message: convert(message.value)) if convert else _value
        return self._converts[name]

    def _getter(self, field: FieldDescriptor) -> Convert:
        name, convert = field.name, self._scalar(field)
        if field.is_repeated:
            if field.message_type and field.message_type.GetOptions().map_entry:
                return self._map_getter(field)
            if convert is None:
                return lambda message: list(getattr(message, name))
            return lambda message: [convert(item) for item in getattr(message, name)]
        if field.has_presence:
            one = convert or _itself
            return lambda message: one(getattr(message, name)) if message.HasField(name) else None
        if field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES):
            one = convert or _itself
            return lambda message: one(getattr(message, name)) or None
        if convert is None:
            return lambda message: getattr(message, name)
        return lambda message: convert(getattr(message, name))

    def _map_getter(self, field: FieldDescriptor) -> Convert:
        name, entry = field.name, field.message_type
        convert = self._scalar(entry.fields_by_name["value"]) or _itself

        def pairs(message: Any) -> dict[str, Any]:
            # Of messages the items are copied by nobody: reading them does not change the message.
            return {_key(key): convert(value) for key, value in getattr(message, name).items()}

        return pairs

    def _scalar(self, field: FieldDescriptor) -> Convert | None:
        """What one value of a field becomes; None where it stays as it is."""
        if field.message_type:
            return self._convert(field.message_type)
        if field.enum_type:
            names = {number: value.name for number, value in field.enum_type.values_by_number.items()}
            return lambda number: names.get(number, number)
        return _SCALARS.get(field.type)


def _itself(value: Any) -> Any:
    return value


def _value(message: Any) -> Any:
    return message.value


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _timestamp(message: Any) -> Any:
    """RFC 3339, as Protobuf's own JSON has it; as it is where no calendar holds it."""
    seconds, nanos = message.seconds, message.nanos
    try:
        text = (_EPOCH + timedelta(seconds=seconds)).isoformat().removesuffix("+00:00")
    except OverflowError:
        text = ""
    if not text or not 0 <= nanos < 10**_NANOS:
        return {"seconds": seconds, "nanos": nanos}
    fraction = f"{nanos:09}".rstrip("0")
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


def _money(message: Any) -> dict[str, Any]:
    """Its parts, and the amount that they make together.

    Raises:
        Refused: nobody can say which amount that is: -1 and 750,000,000 nanos are -0.25, or a wrong -1.75.
    """
    if message.units * message.nanos < 0 or abs(message.nanos) >= 10**_NANOS:
        raise Refused(Reason.UNDECODABLE)
    unscaled = message.units * 10**_NANOS + message.nanos
    content = unscaled.to_bytes(unscaled.bit_length() // 8 + 1, signed=True)
    return {
        "currency_code": message.currency_code or None,
        "units": message.units,
        "nanos": message.nanos,
        "amount": scaled(content, _NANOS),
    }


_SCALARS: dict[int, Convert] = {
    FieldDescriptor.TYPE_DOUBLE: of_double,
    FieldDescriptor.TYPE_FLOAT: of_single,
    FieldDescriptor.TYPE_BYTES: of_bytes,
}
_SPECIAL: dict[str, Convert] = {
    "google.protobuf.Timestamp": _timestamp,
    "google.type.Money": _money,
    "confluent.type.Decimal": lambda message: scaled(message.value, message.scale),
}
