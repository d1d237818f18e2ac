"""What becomes of records by a mapping, to the end: decoded, mapped and judged by the contract.

Belongs here: records as a person reads them, and the one outcome of each. Does not belong here: where the records come
from, expected outcomes (samples), deduplication. Pure.
"""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from spark_jobs.contract.payment_event import FIELD_NAMES, FIELDS
from spark_jobs.decoding.documents import decode
from spark_jobs.mapping.apply import Mapped, apply
from spark_jobs.mapping.spec import Mapping
from spark_jobs.parsing.json_parsing import PARSED_SCHEMA, parse
from spark_jobs.parsing.schema_versions import HEADERS_TYPE, versions_of
from spark_jobs.parsing.validation import validate

_JSON_NAMES = {field.name: field.json_name for field in FIELDS}
_END_OF_TIME = 253_370_764_800_000_000
"""The timestamp of a record that has none: no payment is ahead of it."""


@dataclass(frozen=True, slots=True)
class KafkaRecord:
    """A record as it lies in the topic. `place` is what a person finds it by; `timestamp` is in microseconds."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A payment's fields, or the reasons for its quarantine, or the rule by which it is none: exactly one of them.

    Of a payment, `amount_minor` is its money in the currency's minor unit.
    """

    row: Table[str, str] | None = None
    reasons: tuple[str, ...] = ()
    ignored: str | None = None
    amount_minor: int = field(default=0, compare=False)

    @property
    def word(self) -> str:
        """What it is called in a table."""
        if self.row is not None:
            return "payment"
        return f"ignored: {self.ignored}" if self.ignored else f"quarantined: {', '.join(self.reasons)}"


def outcomes_of(mapping: Mapping | None, records: Sequence[KafkaRecord]) -> list[Outcome]:
    """One outcome per record, in order. Without a mapping the contract's own JSON is read."""
    if not records:
        return []
    mapped = _mapped(mapping, records)
    moments = [_END_OF_TIME if record.timestamp is None else record.timestamp for record in records]
    validated = validate(mapped.parsed, pa.array(moments, pa.int64()).cast(pa.timestamp("us", "UTC")))
    reasons, money = validated["reasons"].to_pylist(), validated["amount_minor"].to_pylist()
    # A label that the contract cannot read holds no payment back, and is empty.
    kept = {name: validated[name].is_valid().to_pylist() for name in FIELD_NAMES}
    texts = [
        {_JSON_NAMES.get(name, name): text for name, text in row.items() if name not in kept or kept[name][index]}
        for index, row in enumerate(mapped.parsed.select([*FIELD_NAMES, "extra_fields"]).to_pylist())
    ]
    return [
        _outcome(text, reason, rule, minor)
        for text, reason, rule, minor in zip(texts, reasons, mapped.ignored, money, strict=True)
    ]


def _mapped(mapping: Mapping | None, records: Sequence[KafkaRecord]) -> Mapped:
    values, keys = [record.value for record in records], [record.key for record in records]
    if mapping is None:
        none: list[str | None] = [None] * len(records)
        return Mapped(parse(values, keys, _versions(records)).cast(PARSED_SCHEMA), none, none)
    headers = [record.headers for record in records]
    documents = decode(values, keys, headers, mapping.format)
    return apply(mapping, documents, keys, headers, [record.timestamp for record in records])


def _versions(records: Sequence[KafkaRecord]) -> pa.StringArray | None:
    headers = [record.headers if record.value is not None else () for record in records]
    rows = [[{"key": name, "value": value} for name, value in of] for of in headers]
    return versions_of(pa.array(rows, HEADERS_TYPE))


def _outcome(texts: dict[str, str | None], reasons: list[str], rule: str | None, minor: int | None) -> Outcome:
    if rule is not None:
        return Outcome(ignored=rule)
    if reasons:
        return Outcome(reasons=tuple(reasons))
    return Outcome({name: text for name, text in texts.items() if text is not None}, amount_minor=minor or 0)
