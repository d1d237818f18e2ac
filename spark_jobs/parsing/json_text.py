"""JSON by its strictest reading: bytes to names and values, or the reason why they are no JSON of ours.

Belongs here: size, encoding, depth and grammar. Does not belong here: what the members mean (strict_json, decoding).
Pure: no Spark, no I/O.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from spark_jobs.contract.payment_event import MAX_NESTING, MAX_VALUE_BYTES, Reason

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
"""Possessive, and a string that never ends counts as one: or hostile bytes cost the square of their length."""


class Refused(Exception):
    """These bytes cannot be read. `reason` is the contract's."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Pairs(NamedTuple):
    """A JSON object as it was written, duplicate keys and all."""

    items: list[tuple[str, Any]]


def load(value: bytes | None, integer: Callable[[str], Any], fraction: Callable[[str], Any]) -> list[tuple[str, Any]]:
    """The members of the object that a value is.

    Args:
        value: the bytes.
        integer: what becomes of a whole number's text.
        fraction: what becomes of the text of a number with a fraction or an exponent.

    Raises:
        Refused: it is none.
    """
    if value is None or not value.strip():
        raise Refused(Reason.EMPTY_VALUE)
    if len(value) > MAX_VALUE_BYTES:
        raise Refused(Reason.OVERSIZE)
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(Reason.INVALID_UTF8) from None
    if _nesting(text) > MAX_NESTING:
        raise Refused(Reason.TOO_DEEP)
    try:
        loaded = json.loads(
            text, object_pairs_hook=Pairs, parse_constant=_refuse, parse_int=integer, parse_float=fraction
        )
    except (ValueError, RecursionError):
        raise Refused(Reason.INVALID_JSON) from None
    if not isinstance(loaded, Pairs):
        raise Refused(Reason.NOT_AN_OBJECT)
    return loaded.items


def has_duplicate_key(items: list[tuple[str, Any]]) -> bool:
    """Whether an object, or one below it, names a member twice."""
    if len({key for key, _ in items}) != len(items):
        return True
    return any(isinstance(value, Pairs) and has_duplicate_key(value.items) for _, value in items)


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8: it has no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _nesting(text: str) -> int:
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return 0
    depth = deepest = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _refuse(constant: str) -> None:
    raise ValueError(constant)
