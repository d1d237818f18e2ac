"""Which payment a record's key names, however its producer writes keys.

Belongs here: keys as bare text, as JSON text and number, and as JSON object. Does not belong here: keys in the schema
registry's formats (decoding), what a tombstone does (strict_json, decoding). Pure: no Spark, no I/O.
"""

import json
import re
from typing import Any

from spark_jobs.contract.payment_event import ID_PATTERN, MAX_VALUE_BYTES

_ID = re.compile(ID_PATTERN).fullmatch
_BARE = re.compile(ID_PATTERN.encode()).fullmatch
_ENVELOPE = {"schema", "payload"}
_NAMES = ("transaction_id", "id")


def payment_of(key: bytes | None) -> str | None:
    """The id that a key names; None where it names none, or leaves open which of several."""
    if key is None or len(key) > MAX_VALUE_BYTES:
        return None
    if _BARE(key):
        return key.decode()
    try:
        return payment_named(json.loads(key.decode("utf-8"), object_pairs_hook=_object))
    except (ValueError, RecursionError):
        return None


def payment_named(key: object) -> str | None:
    """The id that a key names, once it is read: a text, a whole number, or an object of them.

    An object may be Kafka Connect's envelope. Of several members the one called transaction_id counts, or id.
    """
    if isinstance(key, dict):
        members: dict[str, Any] = key
        if members.keys() == _ENVELOPE:
            return payment_named(members["payload"])
        named = [members[name] for name in _NAMES if name in members]
        one = named[0] if named else next(iter(members.values())) if len(members) == 1 else None
        return None if isinstance(one, dict) else payment_named(one)
    if isinstance(key, int) and not isinstance(key, bool):
        key = str(key)
    return key if isinstance(key, str) and _ID(key) else None


def _object(items: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(items)
    if len(members) != len(items):
        raise ValueError("a member is named twice")
    return members
