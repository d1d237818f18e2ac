"""JSON values into documents, each number exact.

Belongs here: the quick reading, and the strict one for what it does not read alike. Does not belong here: the strict
grammar (parsing). Pure.
"""

from collections.abc import Iterable
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
        quotes = 2 * _texts(document)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, InvalidOperation):
        return None
    return document if quotes == value.count(b'"') - escaped else None


def _texts(document: dict[str, Any]) -> int:
    """How many names and texts there are, level by level."""
    found = depth = 0
    level: list[dict[str, Any] | list[Any]] = [document]
    while level:
        depth += 1
        if depth > MAX_NESTING:
            raise RecursionError
        below: list[dict[str, Any] | list[Any]] = []
        for node in level:
            values: Iterable[Any] = node
            if type(node) is dict:
                found += len(node)
                values = node.values()
            for value in values:
                kind = type(value)
                if kind is str:
                    found += 1
                elif kind is dict or kind is list:
                    below.append(value)
        level = below
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
