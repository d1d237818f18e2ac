"""A mapping over columns: what `apply` makes of records one by one, made of many at once.

Belongs here: which of a mapping's functions is asked for which values. Does not belong here: the functions themselves
(rows, rules, amounts, event_times): there is one truth for what a value means. Pure.

Most columns have few values that differ, so a function is asked once for each; ids and the like are taken as they are.
A record of which a function says that it cannot be read is left out: whoever maps it alone finds all that is wrong.
"""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.decoding.columns.places import Columns, Flags, Numbers, Place
from spark_jobs.mapping.amounts import KEEP, MAJOR
from spark_jobs.mapping.event_times import RFC_3339
from spark_jobs.mapping.expressions import Expression, Path
from spark_jobs.mapping.field_specs import AmountSpec, FieldSpec, TextSpec, TimeSpec
from spark_jobs.mapping.flat import NotFlat, flat
from spark_jobs.mapping.readers import CannotRead, Record
from spark_jobs.mapping.rows import NEEDED, amount_field, dropped_reader, extra_reader, text_field
from spark_jobs.mapping.rules import Question, condition_of
from spark_jobs.mapping.spec import Mapping
from spark_jobs.parsing.json_parsing import PARSED_SCHEMA

_CURRENCY = "currency"
_AS_IT_IS = r"^(0|[1-9][0-9]{0,17})(\.[0-9]{0,17}[1-9])?$"
"""Amounts in the major unit that are written as the contract wants them: amounts would give back the same text."""

type _Read = Callable[[Record], Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """Some records of a batch by a mapping.

    Args:
        rows: which records they are, ascending.
        parsed: PARSED_SCHEMA, as long as `rows`.
        ignored: the rule by which a record is no payment, as long as `rows`; what `parsed` has of it means nothing.
        dropped: what was written in fields that the mapping leaves empty, as a JSON object; as long as `rows`.
    """

    rows: Numbers
    parsed: pa.Table
    ignored: pa.StringArray
    dropped: pa.StringArray


@lru_cache(maxsize=16)
def column_mapping(mapping: Mapping, minor_units: tuple[tuple[str, int], ...]) -> "ColumnMapping | None":
    """The mapping over columns, made once; None where it asks for more than what is at places."""
    try:
        return ColumnMapping(mapping, dict(minor_units))
    except NotFlat:
        return None


class ColumnMapping:
    """A mapping that asks for nothing but what is at places.

    Args:
        mapping: what the user's file says.
        minor_units: currencies with their decimals, for amounts in minor units.

    Raises:
        NotFlat: the mapping asks for more.
    """

    def __init__(self, mapping: Mapping, minor_units: Table[str, int]) -> None:
        self._rules = [(rule.name, list(map(_condition, rule.tests))) for rule in mapping.rules if rule.tests]
        fields = mapping.fields.items()
        self._fields = {name: _text(name, spec) for name, spec in fields if not isinstance(spec, AmountSpec)}
        # Behind the currency, which they ask for.
        self._fields |= {name: _amount(spec, minor_units) for name, spec in fields if isinstance(spec, AmountSpec)}
        if extra := _extra(mapping.extra):
            self._fields["extra_fields"] = extra
        self._dropped = _dropped(mapping.fields)
        tests = [test for _, tests in self._rules for test in tests]
        asked = [*self._fields.values(), *tests, *filter(None, [self._dropped])]
        self.places = frozenset(place for each in asked for place in each.places)

    def judge(self, columns: Columns) -> Judged:
        """What becomes of those of the records of which nothing needs a second look."""
        count = len(columns.rows)
        ignored, is_doubtful = self._ignored(columns)
        texts = {field.name: pa.nulls(count, field.type) for field in PARSED_SCHEMA}
        for name, field in self._fields.items():
            texts[name], is_unread = field.texts(columns, texts[_CURRENCY])
            is_doubtful |= is_unread
        dropped = pa.nulls(count, pa.string())
        if self._dropped:
            dropped, is_unread = self._dropped.texts(columns, texts[_CURRENCY])
            is_doubtful |= is_unread
        is_doubtful &= ~np.asarray(ignored.is_valid())
        parsed = pa.Table.from_arrays(list(texts.values()), schema=PARSED_SCHEMA)
        if not is_doubtful.any():
            return Judged(columns.rows, parsed, ignored, dropped)
        is_plain = pa.array(~is_doubtful)
        return Judged(columns.rows[~is_doubtful], *(each.filter(is_plain) for each in (parsed, ignored, dropped)))

    def _ignored(self, columns: Columns) -> tuple[pa.StringArray, Flags]:
        """The first rule that says of a record that it is no payment, and of which records that cannot be told."""
        count = len(columns.rows)
        first = np.full(count, len(self._rules))
        is_undecided = np.zeros(count, np.bool_)
        for number, (_, tests) in reversed(list(enumerate(self._rules))):
            verdicts = [test.verdicts(columns) for test in tests]
            is_met = np.logical_and.reduce([verdict == _MET for verdict in verdicts])
            first[is_met] = number
            is_undecided |= ~is_met & np.logical_and.reduce([verdict != _NOT_MET for verdict in verdicts])
        names = pa.array([*(name for name, _ in self._rules), None], pa.string())
        return names.take(pa.array(first)), is_undecided


_NOT_MET, _MET, _UNDECIDED = range(3)
_VERDICTS = {False: _NOT_MET, True: _MET, None: _UNDECIDED}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A function of a flat document, and the places whose values are in it."""

    places: tuple[Place, ...]
    read: _Read

    def verdicts(self, columns: Columns) -> Numbers:
        outcomes, which = _outcomes(self.read, self.of(columns), len(columns.rows))
        return np.array([_VERDICTS[outcome] for outcome in outcomes])[which]

    def texts(self, columns: Columns, _currency: pa.StringArray) -> tuple[pa.StringArray, Flags]:
        """The texts, and of which records there is none that can be told."""
        return _texts(self.read, self.of(columns), len(columns.rows))

    def of(self, columns: Columns) -> list[pa.Array]:
        return [columns.found[place] for place in self.places]


class _Kept(_Asked):
    """A text that is taken as it is, and the digits of a whole number."""

    def texts(self, columns: Columns, currency: pa.StringArray) -> tuple[pa.StringArray, Flags]:
        [column] = self.of(columns)
        if pa.types.is_string(column.type) or pa.types.is_int64(column.type):
            return column.cast(pa.string()), np.zeros(len(column), np.bool_)
        return _Asked.texts(self, columns, currency)


class _Priced(_Asked):
    """An amount, of which the record's currency is the last value."""

    def texts(self, columns: Columns, currency: pa.StringArray) -> tuple[pa.StringArray, Flags]:
        return _texts(self.read, [*self.of(columns), currency], len(columns.rows))


class _PricedAsItIs(_Asked):
    """An amount in the major unit: most are written as the contract wants them."""

    def texts(self, columns: Columns, currency: pa.StringArray) -> tuple[pa.StringArray, Flags]:
        [column] = self.of(columns)
        if not pa.types.is_string(column.type):
            return _Asked.texts(self, columns, currency)
        is_other = pc.invert(pc.fill_null(pc.match_substring_regex(column, _AS_IT_IS), True))
        others, is_unread = _texts(self.read, [column.filter(is_other)], is_other.true_count)
        is_doubtful = np.asarray(is_other).copy()
        is_doubtful[is_doubtful] = is_unread
        return pc.replace_with_mask(column, is_other, others), is_doubtful


def _condition(test: Question) -> _Asked:
    places, [of] = flat([test.of])
    return _Asked(places, condition_of(replace(test, of=of)))


def _text(name: str, spec: FieldSpec) -> _Asked:
    places, [source] = flat([spec.source])
    read = text_field(name, replace(spec, source=source))
    is_kept = spec.form == RFC_3339 if isinstance(spec, TimeSpec) else isinstance(spec, TextSpec) and spec.map is None
    return (_Kept if is_kept and isinstance(source, Path) and name not in NEEDED else _Asked)(places, read)


def _amount(spec: AmountSpec, minor_units: Table[str, int]) -> _Asked:
    places, [source] = flat([spec.source])
    amount_of = amount_field(replace(spec, source=source), minor_units)
    if spec.unit == MAJOR and spec.sign == KEEP and spec.scale is None and isinstance(source, Path):
        return _PricedAsItIs(places, lambda record: amount_of(record, None))
    last = str(len(places))
    return _Priced(places, lambda record: amount_of(record, record.document[last]))


def _extra(extra: Table[str, Expression]) -> _Asked | None:
    places, sources = flat(extra.values())
    read = extra_reader(dict(zip(extra, sources, strict=True)))
    return _Asked(places, read) if read else None


def _dropped(fields: Table[str, FieldSpec]) -> _Asked | None:
    mapped = {name: spec for name, spec in fields.items() if isinstance(spec, TextSpec) and spec.map is not None}
    places, sources = flat(spec.source for spec in mapped.values())
    named = zip(mapped.items(), sources, strict=True)
    read = dropped_reader({name: replace(spec, source=source) for (name, spec), source in named})
    return _Asked(places, read) if read else None


_UNREAD: Any = object()


def _texts(read: _Read, columns: Sequence[pa.Array], count: int) -> tuple[pa.StringArray, Flags]:
    outcomes, which = _outcomes(read, columns, count)
    texts = pa.array([None if outcome is _UNREAD else outcome for outcome in outcomes], pa.string())
    return texts.take(pa.array(which)), np.array([outcome is _UNREAD for outcome in outcomes], np.bool_)[which]


def _outcomes(read: _Read, columns: Sequence[pa.Array], count: int) -> tuple[list[Any], Numbers]:
    """What is read of each combination of values that there is, and which combination each record has."""
    names = [str(number) for number in range(len(columns))]
    values, which = _combinations(columns, count)
    return [_outcome(read, Record(dict(zip(names, of_one, strict=True)))) for of_one in values], which


def _outcome(read: _Read, record: Record) -> Any:
    try:
        return read(record)
    except CannotRead:
        return _UNREAD


def _combinations(columns: Sequence[pa.Array], count: int) -> tuple[Iterable[tuple[Any, ...]], Numbers]:
    if not columns:
        return [()], np.zeros(count, np.int64)
    encoded = [column.dictionary_encode() for column in columns]
    codes = [pc.fill_null(each.indices, len(each.dictionary)).to_numpy().astype(np.int64) for each in encoded]
    if len(columns) == 1:
        return [(value,) for value in (*encoded[0].dictionary.to_pylist(), None)], codes[0]
    which, first = codes[0], np.arange(count)
    for its, each in zip(codes[1:], encoded[1:], strict=True):
        _, first, which = np.unique(which * (len(each.dictionary) + 1) + its, return_index=True, return_inverse=True)
    return list(zip(*(column.take(pa.array(first)).to_pylist() for column in columns), strict=True)), which
