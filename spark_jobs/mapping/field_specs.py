"""One field of the contract as the mapping file describes it, checked: its source and what is done with the value.

Belongs here: the descriptions of texts, amounts and times, and what makes one wrong. Does not belong here: the file as
a whole (spec), reading values (rows). Pure.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from spark_jobs.contract.iso_codes import MINOR_UNITS
from spark_jobs.contract.payment_event import ID_PATTERN, Field
from spark_jobs.mapping import amounts, event_times
from spark_jobs.mapping.expressions import (
    Call,
    Concatenation,
    Expression,
    ExpressionError,
    Literal,
    parse_expression,
)
from spark_jobs.mapping.mapping_error import Findings, Keys, kind_of

_SHOWN = 80
"""So much of an expression is repeated in a finding."""

REFUSE, KEEP, ABSENT = OTHERWISE = ("refuse", "keep", "absent")


@dataclass(frozen=True, slots=True)
class TextSpec:
    """A text; `map` replaces values, and `otherwise` (of OTHERWISE) is said of those that it does not have."""

    source: Expression
    map: Mapping[str, str] | None = None
    otherwise: str = REFUSE


@dataclass(frozen=True, slots=True)
class AmountSpec:
    """An amount; its words are those of amounts. `scale` is set where the value is Kafka Connect's Decimal."""

    source: Expression
    unit: str
    decimals: Mapping[str, int]
    sign: str
    scale: int | None


@dataclass(frozen=True, slots=True)
class TimeSpec:
    """A time; its words are those of event_times."""

    source: Expression
    form: str
    zone: str | None
    ambiguous: str


type FieldSpec = TextSpec | AmountSpec | TimeSpec


def read_expression(text: object, keys: Keys, findings: Findings) -> Expression | None:
    """The expression that somebody wrote; None, and a finding, where it is none."""
    if not isinstance(text, str):
        findings.add(keys, f"must be a path such as 'data.id', in quotes, not {kind_of(text)}")
        return None
    try:
        return parse_expression(text)
    except ExpressionError as error:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        findings.add(keys, f"{shown!r} {error}")
        return None


def read_field(field: Field, value: object, findings: Findings) -> FieldSpec | None:
    """The description of a field; None, and findings, where it is wrong."""
    keys: Keys = ("fields", field.json_name)
    if field.bigquery_type == "NUMERIC":
        return _amount(keys, value, findings)
    if field.bigquery_type == "TIMESTAMP":
        return _time(keys, value, findings)
    return _text(field, keys, value, findings)


def _text(field: Field, keys: Keys, value: object, findings: Findings) -> TextSpec | None:
    if isinstance(value, str):
        value = {"from": value}
    table = findings.table(keys, value, ("from", "constant", "map", "otherwise"))
    if ("from" in table) == ("constant" in table):
        if isinstance(value, dict):
            findings.add(keys, "needs either from (a path) or constant (a text)")
        return None
    if "constant" in table:
        for other in table.keys() - {"constant"}:
            findings.add((*keys, other), "means nothing beside a constant")
        constant = findings.text(keys, table, "constant")
        if constant is None:
            return None
        _check_allowed(field, constant, (*keys, "constant"), findings)
        return TextSpec(Literal(constant))
    source = read_expression(table["from"], (*keys, "from"), findings)
    if source is None:
        return None
    if field.pattern == ID_PATTERN:
        _check_id(source, (*keys, "from"), findings)
    if isinstance(source, Literal):
        _check_allowed(field, source.text, (*keys, "from"), findings)
    if "map" not in table:
        if "otherwise" in table:
            findings.add((*keys, "otherwise"), "means nothing without a map")
        return TextSpec(source)
    otherwise = findings.choice(keys, table, "otherwise", OTHERWISE, REFUSE)
    if otherwise == ABSENT and (field.required or field.required_since):
        findings.add((*keys, "otherwise"), f"cannot be absent: every payment needs {field.json_name}")
    return TextSpec(source, _map(field, (*keys, "map"), table["map"], findings), otherwise)


def _map(field: Field, keys: Keys, value: object, findings: Findings) -> dict[str, str]:
    if not isinstance(value, dict) or not value:
        findings.add(keys, "must be a table such as { card = 'card', sepa_debit = 'bank_transfer' }")
        return {}
    mapped = {key: text for key in value if (text := findings.text(keys, value, key)) is not None}
    for key, text in mapped.items():
        _check_allowed(field, text, (*keys, key), findings)
    return mapped


def _check_allowed(field: Field, text: str, keys: Keys, findings: Findings) -> None:
    if field.values is not None and text not in field.values:
        listed = ", ".join(field.values) if len(field.values) <= 12 else "the contract's codes"
        findings.add(keys, f"gives {text!r}, but {field.json_name} must be one of {listed}")
    elif field.pattern is not None and not re.fullmatch(field.pattern, text):
        findings.add(keys, f"gives {text!r}, which {field.name} cannot be: it must match {field.pattern}")


def _check_id(source: Expression, keys: Keys, findings: Findings) -> None:
    """A text in the middle of an id that no id may have would quarantine every payment."""
    parts = source.parts if isinstance(source, Concatenation) else ()
    for part in parts:
        if isinstance(part, Literal) and not re.fullmatch("[A-Za-z0-9_-]*", part.text):
            findings.add(
                keys,
                f"puts {part.text!r} into an id, which has letters, digits, _ and - only; write escape(a, b), which "
                f"keeps ids readable and never makes two of them equal, or hash(a, b)",
            )
    if parts and not any(isinstance(part, Literal) and part.text for part in parts):
        findings.add(keys, "joins values with nothing between: 1 + 23 and 12 + 3 are equal; write escape(a, b)")
    if isinstance(source, Call) and source.name in ("upper", "lower", "trim", "first"):
        for inner in source.arguments:
            _check_id(inner, keys, findings)


def _amount(keys: Keys, value: object, findings: Findings) -> AmountSpec | None:
    units = ", ".join((*amounts.UNITS, amounts.MINOR))
    if isinstance(value, str):
        findings.add(keys, f"must say its unit: {{ from = {value!r}, unit = '...' }}, one of {units}")
        return None
    table = findings.table(keys, value, ("from", "unit", "decimals", "sign", "encoding", "scale"))
    if not isinstance(value, dict):
        return None
    source = read_expression(table.get("from"), (*keys, "from"), findings)
    unit = findings.text(keys, table, "unit")
    if unit not in (*amounts.UNITS, amounts.MINOR):
        findings.add((*keys, "unit"), f"must be one of {units}{f', not {unit!r}' if unit else ''}")
    decimals = _decimals(keys, table, findings)
    if decimals and unit != amounts.MINOR:
        findings.add((*keys, "decimals"), "means nothing without unit = 'minor'")
    encoding = findings.choice(keys, table, "encoding", amounts.ENCODINGS, amounts.NUMBER)
    scale = table.get("scale")
    if (encoding == amounts.CONNECT_DECIMAL) != (scale is not None):
        findings.add((*keys, "scale"), "belongs to encoding = 'connect_decimal': how many decimals the number has")
    elif scale is not None and not (type(scale) is int and 0 <= scale <= 38):
        findings.add((*keys, "scale"), "must be a whole number from 0 to 38")
    sign = findings.choice(keys, table, "sign", amounts.SIGNS, amounts.KEEP)
    return AmountSpec(source, unit or "", decimals, sign, scale) if source else None


def _decimals(keys: Keys, table: Mapping[str, Any], findings: Findings) -> dict[str, int]:
    decimals = table.get("decimals", {})
    if not isinstance(decimals, dict):
        findings.add((*keys, "decimals"), "must be a table such as { ISK = 2 }")
        return {}
    for currency, count in decimals.items():
        if not re.fullmatch("[A-Z]{3}", currency):
            findings.add((*keys, "decimals", currency), "is no currency: three capital letters, such as ISK")
        elif not (type(count) is int and 0 <= count <= 9):
            findings.add((*keys, "decimals", currency), "must be a whole number from 0 to 9")
        elif MINOR_UNITS.get(currency) == count:
            findings.add((*keys, "decimals", currency), f"is {count} by ISO 4217: name only what differs")
    return decimals


def _time(keys: Keys, value: object, findings: Findings) -> TimeSpec | None:
    if isinstance(value, str):
        value = {"from": value}
    table = findings.table(keys, value, ("from", "format", "zone", "ambiguous"))
    if not isinstance(value, dict):
        return None
    source = read_expression(table.get("from"), (*keys, "from"), findings)
    form = findings.text(keys, table, "format", event_times.RFC_3339) or event_times.RFC_3339
    zone = findings.text(keys, table, "zone")
    ambiguous = findings.choice(keys, table, "ambiguous", event_times.AMBIGUOUS, event_times.REFUSE)
    _check_form(keys, form, zone, findings)
    if "ambiguous" in table and zone is None:
        findings.add((*keys, "ambiguous"), "means nothing without a zone")
    return TimeSpec(source, form, zone, ambiguous) if source else None


def _check_form(keys: Keys, form: str, zone: str | None, findings: Findings) -> None:
    if form not in event_times.FORMATS:
        if "%" not in form:
            formats = ", ".join(event_times.FORMATS)
            findings.add((*keys, "format"), f"must be one of {formats} or a pattern such as %Y%m%d%H%M%S, not {form!r}")
            return
        try:
            event_times.pattern_of(form)
        except ValueError as error:
            findings.add((*keys, "format"), str(error))
    if form == event_times.LOCAL and zone is None:
        findings.add((*keys, "zone"), "is missing: where is the time local? Such as zone = 'Europe/Berlin'")
    if "%" in form and "%z" not in form and zone is None:
        findings.add((*keys, "zone"), "is missing: the pattern has no %z. Such as zone = 'UTC'")
    if zone is not None and (form in event_times.EPOCHS or form == event_times.RFC_3339):
        findings.add((*keys, "zone"), f"means nothing for {form}, which has its zone")
    if zone is not None and not _is_zone(zone):
        findings.add((*keys, "zone"), f"{zone!r} is no time zone: write it as Area/City, such as Europe/Berlin")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return False
    return True
