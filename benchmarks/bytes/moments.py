"""Constants of a resolved statement as moments: what a partition column is compared with, worked out at a given now.

Belongs here: literals, parameters, the clock and arithmetic with days. Does not belong here: what a comparison prunes
(pruning). What cannot be worked out is None, and prunes nothing.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from benchmarks.bytes.tree import Node, function, kind
from spark_jobs.utc_days import beginning_of

type Constant = datetime | date | int | None

_UNITS = {
    3: timedelta(days=1),
    7: timedelta(hours=1),
    8: timedelta(minutes=1),
    9: timedelta(seconds=1),
    10: timedelta(milliseconds=1),
    11: timedelta(microseconds=1),
}
"""By the analyzer's number of a part of a date. Numbers that are no part of a fixed length are missing."""


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Works out expressions that name no column, as they were at `now`; `given` are parameters, as the API has them."""

    now: datetime
    given: Mapping[str, Any]

    def value(self, expression: Node) -> Constant:
        """The expression's value; None where it is NULL, or cannot be worked out."""
        match kind(expression):
            case "Literal":
                return _literal(expression)
            case "Parameter":
                return self._parameter(expression.name)
            case "Cast":
                return _as(type_name(expression.type), self.value(expression.expr))
        name = function(expression)
        if name in ("current_timestamp", "current_date"):
            return self.now if name == "current_timestamp" else self.now.date()
        work = _FUNCTIONS.get(name)
        if work is None:
            return None
        values = [part_of(each) or self.value(each) for each in expression.argument_list]
        try:
            return work(values)
        except (TypeError, OverflowError, IndexError):
            return None

    def _parameter(self, name: str) -> Constant:
        sent = self.given.get(name)
        if sent is None or "value" not in sent["parameterValue"]:
            return None
        text = sent["parameterValue"]["value"]
        match sent["parameterType"]["type"]:
            case "TIMESTAMP":
                return None if text is None else _utc(datetime.fromisoformat(text))
            case "DATE":
                return None if text is None else date.fromisoformat(text)
            case "INT64":
                return None if text is None else int(text)
        return None


def type_name(type_: Any) -> str:
    """DATE or TIMESTAMP, of a type of the analyzer's."""
    return str(getattr(type_.type_kind, "name", type_.type_kind)).removeprefix("TYPE_")


def part_of(expression: Node) -> timedelta | None:
    """How long the part of a date is that an argument names, such as DAY; None where it names none."""
    if kind(expression) != "Literal" or expression.value is None:
        return None
    number = expression.value.value.enum_value if _is_enum(expression) else None
    return _UNITS.get(number) if number else None


def _is_enum(expression: Node) -> bool:
    return type_name(expression.type) == "ENUM"


def _literal(expression: Node) -> Constant:
    value = expression.value.value
    match type_name(expression.type):
        case "STRING":
            return _utc(datetime.fromisoformat(value.string_value)) if _is_moment(value.string_value) else None
        case "DATE":
            return None if value.date_value is None else date(1970, 1, 1) + timedelta(days=value.date_value)
        case "INT64":
            return None if value.int64_value is None else int(value.int64_value)
    return None


def _is_moment(text: str | None) -> bool:
    return bool(text and re.fullmatch(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d.*)?", text))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _as(name: str, value: Constant) -> Constant:
    if name == "TIMESTAMP" and isinstance(value, date) and not isinstance(value, datetime):
        return beginning_of(value)
    if name == "DATE" and isinstance(value, datetime):
        return value.date()
    return value


def _moved(sign: int) -> Callable[[list[Any]], Constant]:
    def move(values: list[Any]) -> Constant:
        moment, count, unit = values[:3]
        moved: Constant = moment + sign * count * unit
        return moved

    return move


def truncated(moment: datetime, unit: timedelta) -> datetime:
    """The beginning of the day, hour and so on that a moment is in."""
    beginning = datetime(2000, 1, 1, tzinfo=UTC)
    return beginning + (moment - beginning) // unit * unit


def _trunc(values: list[Any]) -> Constant:
    moment, unit = values[:2]
    if isinstance(moment, datetime):
        return truncated(moment, unit)
    return moment if unit == timedelta(days=1) else None


def _pick(choose: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Constant]:
    def pick(values: list[Any]) -> Constant:
        chosen: Constant = choose(values) if None not in values else None
        return chosen

    return pick


_FUNCTIONS: Mapping[str, Callable[[list[Any]], Constant]] = {
    "timestamp_sub": _moved(-1),
    "timestamp_add": _moved(1),
    "date_sub": _moved(-1),
    "date_add": _moved(1),
    "date_sub_date": _moved(-1),
    "date_add_date": _moved(1),
    "timestamp_trunc": _trunc,
    "date_trunc": _trunc,
    "date": lambda values: _as("DATE", values[0]),
    "timestamp": lambda values: _as("TIMESTAMP", values[0]),
    "least": _pick(min),
    "greatest": _pick(max),
    "coalesce": lambda values: next((value for value in values if value is not None), None),
}
