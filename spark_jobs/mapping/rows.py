"""A mapping as functions, made once: a record in, its fields as texts out, with the reasons for what cannot be read.

Belongs here: one record. Does not belong here: many of them (apply), each kind of value (amounts, event_times,
readers). Pure. For any document and any mapping that was read: one outcome, and no exception.
"""

from collections.abc import Callable
from collections.abc import Mapping as Table
from typing import Any, NamedTuple

import msgspec

from spark_jobs.contract.iso_codes import MINOR_UNITS
from spark_jobs.contract.payment_event import FIELD_NAMES, FIELDS, Reason
from spark_jobs.mapping.amounts import amount_reader, decimals_of
from spark_jobs.mapping.event_times import EPOCHS, RFC_3339, epoch_reader, written_reader
from spark_jobs.mapping.expressions import Expression, Path
from spark_jobs.mapping.field_specs import ABSENT, KEEP, AmountSpec, FieldSpec, TextSpec, TimeSpec
from spark_jobs.mapping.mapping_error import is_unicode
from spark_jobs.mapping.readers import CannotRead, Reader, Record, TextReader, as_text, text_reader, value_reader
from spark_jobs.mapping.rules import rule_reader
from spark_jobs.mapping.spec import Mapping

_ORDER = {reason: position for position, reason in enumerate(Reason)}
_REQUIRED = [position for position, field in enumerate(FIELDS) if field.required]
NEEDED = {field.name for field in FIELDS if field.required_since}
"""What a mapping may leave out, and a record of one that has it may not: no event's kind is guessed at."""
_WIDTH = len(FIELD_NAMES)
_CURRENCY = FIELD_NAMES.index("currency")

_to_json = msgspec.json.Encoder(decimal_format="number").encode


class MappedRow(NamedTuple):
    """Texts in the order of FIELD_NAMES, further fields as a JSON object, reasons in the contract's order.

    `ignored` is the rule by which the record is no payment; then there is nothing else. `dropped` is what was written
    in fields that the mapping leaves empty, as a JSON object.
    """

    values: tuple[str | None, ...]
    extra_fields: str | None = None
    reasons: tuple[Reason, ...] = ()
    ignored: str | None = None
    dropped: str | None = None


NOTHING = (None,) * _WIDTH


def row_reader(mapping: Mapping, minor_units: Table[str, int] = MINOR_UNITS) -> Callable[[Record], MappedRow]:
    """The function of a mapping.

    Args:
        mapping: what the user's file says.
        minor_units: currencies with their decimals, for amounts in minor units.
    """
    ignored_by = rule_reader(mapping.rules)
    texts = [
        (FIELD_NAMES.index(name), text_field(name, spec))
        for name, spec in mapping.fields.items()
        if not isinstance(spec, AmountSpec)
    ]
    amounts = [
        (FIELD_NAMES.index(name), amount_field(spec, minor_units))
        for name, spec in mapping.fields.items()
        if isinstance(spec, AmountSpec)
    ]
    extra_of = extra_reader(mapping.extra)
    dropped_of = dropped_reader(mapping.fields)

    def read(record: Record) -> MappedRow:
        values: list[str | None] = [None] * _WIDTH
        try:
            rule = ignored_by(record)
            if rule is not None:
                return MappedRow(NOTHING, ignored=rule)
            for position, text_of in texts:
                values[position] = text_of(record)
            currency = values[_CURRENCY]
            for position, amount_of in amounts:
                values[position] = amount_of(record, currency)
            extra = extra_of(record) if extra_of else None
            return MappedRow(tuple(values), extra, dropped=dropped_of(record) if dropped_of else None)
        except CannotRead:
            return with_reasons(record)

    def with_reasons(record: Record) -> MappedRow:
        """The same, for one in many: after what cannot be read it goes on, for all that is wrong is said at once."""
        reasons: set[Reason] = set()
        values: list[str | None] = [None] * _WIDTH
        failed: set[int] = set()
        try:
            ignored_by(record)
        except CannotRead as problem:
            reasons.add(problem.reason)
        for position, text_of in texts:
            try:
                values[position] = text_of(record)
            except CannotRead as problem:
                reasons.add(problem.reason)
                failed.add(position)
        for position, amount_of in amounts:
            try:
                values[position] = amount_of(record, values[_CURRENCY])
            except CannotRead as problem:
                reasons.add(problem.reason)
                failed.add(position)
        kept = None
        if extra_of:
            try:
                kept = extra_of(record)
            except CannotRead as problem:
                reasons.add(problem.reason)
        # Where there are other reasons the contract does not ask what is missing.
        if any(values[position] is None and position not in failed for position in _REQUIRED):
            reasons.add(Reason.MISSING_FIELD)
        return MappedRow(tuple(values), kept, tuple(sorted(reasons, key=_ORDER.__getitem__)))

    return read


def tombstone_reader(mapping: Mapping) -> Callable[[Record, str | None], str | None]:
    """The id of a payment that a record deletes: of the row that it deletes, or of what its key names.

    What the key names is the payment's id only where the mapping takes ids as they are.
    """
    spec = mapping.fields["transaction_id"]
    field = text_field("transaction_id", spec)
    is_as_it_is = isinstance(spec, TextSpec) and isinstance(spec.source, Path) and spec.map is None

    def read(record: Record, named: str | None) -> str | None:
        try:
            return field(record) or (named if is_as_it_is else None)
        except CannotRead:
            return None

    return read


def text_field(name: str, spec: FieldSpec) -> TextReader:
    """What reads a field that is no amount.

    Raises (the function):
        CannotRead: the record has something there that is no such value, or nothing where the mapping needs it.
    """
    read = _text_field(spec)
    return _needed(read) if name in NEEDED else read


def amount_field(spec: AmountSpec, minor_units: Table[str, int]) -> Callable[[Record, str | None], str | None]:
    """What reads an amount of a record with this currency. Raises as above."""
    decimals = decimals_of(spec.unit, spec.decimals, minor_units)
    return amount_reader(value_reader(spec.source), decimals, spec.sign, spec.scale)


def extra_reader(extra: Table[str, Expression]) -> TextReader | None:
    """What reads the further fields that are there, in the order of the file, as one JSON object. Raises as above."""
    readers = [(name, value_reader(each)) for name, each in extra.items()]
    if not readers:
        return None

    def extra_of(record: Record) -> str | None:
        found = {name: value for name, read in readers if (value := read(record)) is not None}
        if not found:
            return None
        try:
            return _to_json(found).decode()
        except (UnicodeError, TypeError, ValueError, RecursionError):
            raise CannotRead(Reason.INVALID_UNICODE) from None

    return extra_of


def dropped_reader(fields: Table[str, FieldSpec]) -> TextReader | None:
    """What was written in the fields that the mapping leaves empty, as one JSON object: nothing is dropped uncounted.

    None where no field can be left empty. Raises nothing that the fields themselves do not raise.
    """
    readers = [
        (name, _not_in_the_map(spec))
        for name, spec in fields.items()
        if isinstance(spec, TextSpec) and spec.map is not None and spec.otherwise == ABSENT
    ]
    if not readers:
        return None

    def dropped_of(record: Record) -> str | None:
        found = {name: text for name, read in readers if (text := read(record)) is not None}
        # Half of a character holds no payment back either.
        readable = {name: text.encode(errors="backslashreplace").decode() for name, text in found.items()}
        return _to_json(readable).decode() if readable else None

    return dropped_of


def _text_field(spec: Any) -> TextReader:
    if isinstance(spec, TimeSpec):
        if spec.form in EPOCHS:
            return epoch_reader(value_reader(spec.source), EPOCHS[spec.form])
        if spec.form != RFC_3339:
            return written_reader(text_reader(spec.source), spec.form, spec.zone, spec.ambiguous)
    elif spec.map is not None:
        return _mapped(spec)
    return _written(value_reader(spec.source))


def _needed(read: TextReader) -> TextReader:
    def text_of(record: Record) -> str:
        text = read(record)
        if text is None:
            raise CannotRead(Reason.MISSING_FIELD)
        return text

    return text_of


def _written(read: Reader) -> TextReader:
    def text_of(record: Record) -> str | None:
        value = read(record)
        if value is None:
            return None
        text = value if type(value) is str else as_text(value)
        if text.isascii() or is_unicode(text):
            return text
        raise CannotRead(Reason.INVALID_UNICODE)

    return text_of


def _before_the_map(spec: TextSpec) -> TextReader:
    """A value as the keys of a map have it."""
    read = value_reader(spec.source)

    def text_of(record: Record) -> str | None:
        value = read(record)
        if value is None:
            return None
        return ("true" if value else "false") if type(value) is bool else as_text(value)

    return text_of


def _not_in_the_map(spec: TextSpec) -> TextReader:
    read, known = _before_the_map(spec), frozenset(spec.map or ())

    def text_of(record: Record) -> str | None:
        text = read(record)
        return None if text in known else text

    return text_of


def _mapped(spec: TextSpec) -> TextReader:
    read = _before_the_map(spec)
    texts, otherwise = dict(spec.map or {}), spec.otherwise

    def text_of(record: Record) -> str | None:
        text = read(record)
        if text is None:
            return None
        mapped = texts.get(text)
        if mapped is not None:
            return mapped
        if otherwise == ABSENT:
            return None
        if otherwise == KEEP and (text.isascii() or is_unicode(text)):
            return text
        raise CannotRead(Reason.UNMAPPED_VALUE)

    return text_of
