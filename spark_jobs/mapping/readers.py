"""Expressions as functions: a record in, a value out; what cannot be read is raised with its reason.

Belongs here: finding values in a document, and texts made of them. Does not belong here: the grammar (expressions),
amounts and times, what becomes of a reason (rows). Pure.

An absent value and a null are None. Nothing else is: a shape other than the mapping says is a reason.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from spark_jobs.contract.payment_event import Reason
from spark_jobs.mapping.expressions import Call, Concatenation, Expression, Index, Key, Literal, Only, Path, Select

MOST_DIGITS = 64
_LARGEST = 10**MOST_DIGITS
_CHANGES: dict[str, Callable[[str], str]] = {"upper": str.upper, "lower": str.lower, "trim": str.strip}
_ESCAPED = re.compile("[^A-Za-z0-9-]")


class CannotRead(Exception):
    """A value is there, and cannot be read as the mapping says."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Record:
    """One Kafka record, decoded. `timestamp` is in microseconds."""

    __slots__ = ("document", "headers", "key", "timestamp")

    def __init__(
        self,
        document: Any,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes | None]] | None = None,
        timestamp: int | None = None,
    ) -> None:
        self.document = document
        self.key = key
        self.headers = headers
        self.timestamp = timestamp


type Reader = Callable[[Record], Any]
type TextReader = Callable[[Record], str | None]


def value_reader(expression: Expression) -> Reader:
    """The value of an expression as the document has it; a text where it is made of texts."""
    if isinstance(expression, Path):
        return _path_reader(expression)
    if isinstance(expression, Call):
        if expression.name == "first":
            return _first([value_reader(argument) for argument in expression.arguments])
        if expression.name == "if_there":
            return _if_there(*(value_reader(argument) for argument in expression.arguments))
        if expression.name == "timestamp":
            return lambda record: record.timestamp
    return text_reader(expression)


def text_reader(expression: Expression) -> TextReader:
    """The text of an expression. A whole number is its digits; nothing else but a text is a text."""
    if isinstance(expression, Literal):
        text = expression.text
        return lambda _: text
    if isinstance(expression, Concatenation):
        return _concatenation([text_reader(part) for part in expression.parts])
    if isinstance(expression, Call) and expression.name not in ("first", "if_there", "timestamp"):
        return _call_reader(expression)
    read = value_reader(expression)

    def text_of(record: Record) -> str | None:
        value = read(record)
        return value if type(value) is str or value is None else as_text(value)

    return text_of


def as_text(value: Any) -> str:
    """A value as a text.

    Raises:
        CannotRead: it is neither a text nor a whole number.
    """
    if type(value) is str:
        return value
    if type(value) is int and -_LARGEST < value < _LARGEST:
        return str(value)
    raise CannotRead(Reason.WRONG_TYPE)


def hash_of(texts: Sequence[str]) -> str:
    """64 hexadecimal digits: SHA-256 over the texts, each behind its length, so that no two lists are the same."""
    digest = hashlib.sha256()
    for text in texts:
        encoded = _encoded(text)
        digest.update(b"%d:" % len(encoded))
        digest.update(encoded)
    return digest.hexdigest()


def escape_of(texts: Sequence[str]) -> str:
    """The texts between `__`, with every character but letters, digits and `-` as `_` and its UTF-8 in hexadecimal.

    No two lists of texts are the same: an escape begins with `_` and a digit or letter of its code, never with `__`.
    """
    return "__".join(_ESCAPED.sub(_escape, text) for text in texts)


def _escape(match: re.Match[str]) -> str:
    return "".join(f"_{byte:02X}" for byte in _encoded(match[0]))


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise CannotRead(Reason.INVALID_UNICODE) from None


def _path_reader(path: Path) -> Reader:
    names = [step.name for step in path.steps if isinstance(step, Key)]
    if len(names) == len(path.steps):
        return _names_reader(names)
    steps = [_step(step) for step in path.steps]

    def read(record: Record) -> Any:
        node = record.document
        for step in steps:
            if node is None:
                return None
            node = step(node)
        return node

    return read


def _names_reader(names: list[str]) -> Reader:
    """Only objects have names, so whatever the short ways find is what the long way finds."""

    def walk(record: Record) -> Any:
        node = record.document
        for name in names:
            if type(node) is dict:
                node = node.get(name)
            elif node is None:
                return None
            else:
                raise CannotRead(Reason.WRONG_TYPE)
        return node

    return _SHORT_WAYS[len(names)](walk, *names) if len(names) in _SHORT_WAYS else walk


def _one_name(walk: Reader, a: str) -> Reader:
    def read(record: Record) -> Any:
        try:
            return record.document[a]
        except (KeyError, TypeError):
            return walk(record)

    return read


def _two_names(walk: Reader, a: str, b: str) -> Reader:
    def read(record: Record) -> Any:
        try:
            return record.document[a][b]
        except (KeyError, TypeError):
            return walk(record)

    return read


def _three_names(walk: Reader, a: str, b: str, c: str) -> Reader:
    def read(record: Record) -> Any:
        try:
            return record.document[a][b][c]
        except (KeyError, TypeError):
            return walk(record)

    return read


def _four_names(walk: Reader, a: str, b: str, c: str, d: str) -> Reader:
    def read(record: Record) -> Any:
        try:
            return record.document[a][b][c][d]
        except (KeyError, TypeError):
            return walk(record)

    return read


_SHORT_WAYS: dict[int, Callable[..., Reader]] = {1: _one_name, 2: _two_names, 3: _three_names, 4: _four_names}


def _step(step: Key | Index | Only | Select) -> Callable[[Any], Any]:
    if isinstance(step, Key):
        name = step.name
        return lambda node: node.get(name) if type(node) is dict else _wrong_type()
    if isinstance(step, Index):
        position = step.position
        return lambda node: _at(node, position)
    if isinstance(step, Only):
        return lambda node: _only(node) if type(node) is list else _wrong_type()
    field, value = step.name, step.value
    return lambda node: _only([e for e in _list(node) if type(e) is dict and _is(e.get(field), value)])


def _at(node: Any, position: int) -> Any:
    elements = _list(node)
    return elements[position] if -len(elements) <= position < len(elements) else None


def _only(elements: list[Any]) -> Any:
    if len(elements) > 1:
        raise CannotRead(Reason.MORE_THAN_ONE)
    return elements[0] if elements else None


def _list(node: Any) -> list[Any]:
    return node if type(node) is list else _wrong_type()


def _is(value: Any, text: str) -> bool:
    return value == text if type(value) is str else type(value) is int and as_text(value) == text


def _wrong_type() -> NoReturn:
    raise CannotRead(Reason.WRONG_TYPE)


def _first(readers: list[Reader]) -> Reader:
    def read(record: Record) -> Any:
        for reader in readers:
            value = reader(record)
            if value is not None:
                return value
        return None

    return read


def _if_there(asked: Reader, wanted: Reader) -> Reader:
    return lambda record: None if asked(record) is None else wanted(record)


def _concatenation(readers: list[TextReader]) -> TextReader:
    def read(record: Record) -> str | None:
        texts = [reader(record) for reader in readers]
        return None if None in texts else "".join(texts)  # type: ignore[arg-type]

    return read


def _call_reader(call: Call) -> TextReader:
    if call.name == "key":
        return lambda record: None if record.key is None else _decoded(record.key)
    if call.name == "header":
        wanted = call.arguments[0].text  # type: ignore[union-attr]
        return lambda record: _header(record, wanted)
    if call.name in ("hash", "escape"):
        return _joined([text_reader(a) for a in call.arguments], hash_of if call.name == "hash" else escape_of)
    read = text_reader(call.arguments[0])
    if call.name == "pad":
        width = int(call.arguments[1].steps[0].name)  # type: ignore[union-attr]
        return _changed(read, lambda text: text.rjust(width, "0"))
    if call.name == "after_last":
        mark = call.arguments[1].text  # type: ignore[union-attr]
        return _changed(read, lambda text: text.rpartition(mark)[2] if mark in text else None)
    return _changed(read, _CHANGES[call.name])


def _changed(read: TextReader, change: Callable[[str], str | None]) -> TextReader:
    def changed(record: Record) -> str | None:
        text = read(record)
        return None if text is None else change(text)

    return changed


def _joined(readers: list[TextReader], join: Callable[[Sequence[str]], str]) -> TextReader:
    def read(record: Record) -> str | None:
        texts = [reader(record) for reader in readers]
        return None if None in texts else join(texts)  # type: ignore[arg-type]

    return read


def _header(record: Record, wanted: str) -> str | None:
    value = _only([value for name, value in record.headers or () if name == wanted])
    return None if value is None else _decoded(value)


def _decoded(encoded: bytes) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        raise CannotRead(Reason.INVALID_UTF8) from None
