"""JSON values into documents, each number exact.

Belongs here: the quick reading, and the strict one for what it does not read alike. Does not belong here: the strict
grammar (parsing). Pure.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from spark_jobs.contract.payment_event import MAX_NESTING, MAX_VALUE_BYTES, Reason
from spark_jobs.decoding.results import Document
from spark_jobs.parsing.json_text import Pairs, Refused, load

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_BACKSLASH = ord("\\")
_LONGEST_INT = 4_300
"""Digits. Python reads no longer text as an int, for its cost; a Decimal holds it as exactly."""


def read(value: bytes) -> Document:
    """The object that a value is.

    Raises:
        Refused: with the reason that the contract's own reading of JSON gives.
    """
    document = _quick(value) if len(value) <= MAX_VALUE_BYTES else None
    return _strict(value) if document is None else document


def _quick(value: bytes) -> Document | None:
    """None where the strict reading may say otherwise: of what it refuses, and what cannot be told from that."""
    escaped = 0
    if _BACKSLASH in value:
        # Two of them hide whether a quote is escaped.
        if b"\\\\" in value:
            return None
        escaped = value.count(b'\\"')
    try:
        document = _decode(value)
        if type(document) is not dict:
            return None
        # Each text and each name has two quotes that are not escaped. Of a name that is repeated one is lost.
        quotes = 2 * _texts(document, 1)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, InvalidOperation):
        return None
    return document if quotes == value.count(b'"') - escaped else None


def _texts(node: dict[str, Any] | list[Any], depth: int) -> int:
    """How many names and texts there are."""
    if depth > MAX_NESTING:
        raise RecursionError
    names, values = (len(node), node.values()) if isinstance(node, dict) else (0, node)
    types = list(map(type, values))
    found = names + types.count(str)
    if dict in types or list in types:
        found += sum(_texts(value, depth + 1) for value in values if isinstance(value, dict | list))
    return found


def _strict(value: bytes) -> Document:
    document: Document = _plain(Pairs(load(value, _integer, _fraction)))
    return document


def _plain(node: Any) -> Any:
    if isinstance(node, Pairs):
        members = {name: _plain(value) for name, value in node.items}
        if len(members) != len(node.items):
            raise Refused(Reason.DUPLICATE_KEY)
        return members
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _LONGEST_INT else Decimal(text)


def _fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        # An exponent that no arithmetic holds.
        raise ValueError(text) from None
