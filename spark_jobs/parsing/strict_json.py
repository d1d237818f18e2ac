"""One value by the strictest reading of JSON: its fields as text, and the reasons for which it cannot be read.

Belongs here: members to fields, value by value, and what a record without a value is. Does not belong here: bytes to
members (json_text), reading many quickly (json_parsing), what a field may say (validation). Pure: no Spark, no I/O.
"""

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from spark_jobs.contract.payment_event import (
    FIELD_NAMES,
    SCHEMA_VERSION,
    SCHEMA_VERSIONS,
    Reason,
    fields_of,
    required_of,
)
from spark_jobs.parsing.json_text import Refused, has_duplicate_key, is_unicode, load
from spark_jobs.parsing.record_keys import payment_of

_REQUIRED = {version: required_of(version) for version in SCHEMA_VERSIONS}
_NAMES = {version: frozenset(field.json_name for field in fields_of(version)) for version in SCHEMA_VERSIONS}
_WIDTH = len(FIELD_NAMES)
_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Reading:
    """Texts in the order of FIELD_NAMES, unknown fields as a JSON object, and reasons in the contract's order."""

    values: tuple[str | None, ...]
    extra_fields: str | None
    reasons: list[Reason]


def read(value: bytes | None, key: bytes | None = None, version: str = SCHEMA_VERSION) -> Reading:
    """Read one value; never raises, whatever the bytes.

    A record without a value is a tombstone: what its key names is deleted where it came from. Without an id for a key
    it is just empty. `version` is one of SCHEMA_VERSIONS: what it does not have is an unknown field.
    """
    named = payment_of(key) if value is None else None
    if named:
        return Reading((named, *(None,) * (_WIDTH - 1)), None, [Reason.TOMBSTONE])
    try:
        return _fields(value, load(value, _keep, _keep), version)
    except Refused as refused:
        return Reading((None,) * _WIDTH, None, [refused.reason])


def _fields(value: bytes | None, items: list[tuple[str, Any]], version: str) -> Reading:
    fields = dict(items)
    reasons = {Reason.DUPLICATE_KEY} if has_duplicate_key(items) else set()
    row: list[str | None] = []
    for declared in fields_of(version):
        field = fields.get(declared.json_name)
        if field is not None and not isinstance(field, str):
            reasons.add(Reason.WRONG_TYPE)
            field = None
        elif field is None and declared.name in _REQUIRED[version]:
            reasons.add(Reason.MISSING_FIELD)
        elif field is not None and not is_unicode(field):
            reasons.add(Reason.INVALID_UNICODE)
            field = None
        row.append(field)
    extra_fields = None
    if fields.keys() - _NAMES[version]:
        extra_fields = _extra_fields(value or b"", _NAMES[version])
        if extra_fields is None:
            reasons.add(Reason.INVALID_UNICODE)
    return Reading((*row, *(None,) * (_WIDTH - len(row))), extra_fields, sorted(reasons, key=list(Reason).index))


def _extra_fields(value: bytes, names: frozenset[str]) -> str | None:
    """Unknown fields as a JSON object, each value as it was written; None where a key is not Unicode."""
    try:
        raw = _raw_fields(value)
        return "{" + ",".join(f"{json.dumps(k)}:{bytes(v).decode()}" for k, v in raw.items() if k not in names) + "}"
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _keep(number: str) -> int:
    """Numbers are never read: no field is one, and unknown fields are kept as they were written."""
    return len(number)
