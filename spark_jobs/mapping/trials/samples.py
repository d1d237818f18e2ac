"""Samples beside a mapping: records with the outcome that each must have, one JSON object a line.

    {"name": "a card payment", "value": {...}, "expect": {"row": {"transaction_id": "...", ...}}}
    {"name": "no amount", "value": {...}, "expect": {"reasons": ["MISSING_FIELD"]}}
    {"name": "a new customer", "value": {...}, "expect": {"ignored": "other-event"}}

Belongs here: reading them, and holding outcomes against them. Does not belong here: the outcomes themselves (outcomes).
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from spark_jobs.contract.times import to_microseconds
from spark_jobs.mapping.spec import Mapping
from spark_jobs.mapping.trials.outcomes import KafkaRecord, Outcome, outcomes_of

FILE_NAME = "samples.jsonl"


class SampleError(ValueError):
    """A line of the samples cannot be read. The message is one line that names it."""


class _Expected(msgspec.Struct, forbid_unknown_fields=True):
    row: dict[str, Any] | None = None
    reasons: list[str] | None = None
    ignored: str | None = None


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    expect: _Expected
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    text: str | None = None
    base64: str | None = None
    key: str | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    timestamp: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A record, and what must become of it."""

    name: str
    record: KafkaRecord
    expected: Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """A sample, and what became of it."""

    sample: Sample
    outcome: Outcome

    @property
    def is_good(self) -> bool:
        """Whether it is what was expected."""
        return self.outcome == self.sample.expected

    def differences(self) -> list[str]:
        """Each difference in a line; none where it is good."""
        got, expected = self.outcome, self.sample.expected
        if self.is_good:
            return []
        if got.row is None or expected.row is None:
            return [f"expected {expected.word}", f"got {got.word}"]
        names = [name for name in {**expected.row, **got.row} if got.row.get(name) != expected.row.get(name)]
        return [f"{name}: expected {expected.row.get(name)!r}, got {got.row.get(name)!r}" for name in names]


def read_samples(text: str, name: str = FILE_NAME) -> list[Sample]:
    """The samples of a file.

    Raises:
        SampleError: with the line.
    """
    samples = []
    # JSON's texts may have what else Python takes for a line's end, such as U+2028.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                samples.append(_sample(line))
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                raise SampleError(f"{name}: line {number}: {error}") from None
    if not samples:
        raise SampleError(f"{name} has no samples: write one JSON object a line, with name, value and expect")
    return samples


def judge(mapping: Mapping, samples: Sequence[Sample]) -> list[Verdict]:
    """What becomes of each sample."""
    outcomes = outcomes_of(mapping, [sample.record for sample in samples])
    return [Verdict(sample, outcome) for sample, outcome in zip(samples, outcomes, strict=True)]


def _sample(line: str) -> Sample:
    read = msgspec.json.decode(line, type=_Line)
    expect = read.expect
    given = [each for each in (expect.row, expect.reasons, expect.ignored) if each is not None]
    if len(given) != 1:
        raise ValueError("expect has exactly one of row, reasons and ignored")
    expected = Outcome(_texts(expect.row), tuple(expect.reasons or ()), expect.ignored)
    headers = tuple((name, content.encode()) for name, content in read.headers.items())
    key = None if read.key is None else read.key.encode()
    record = KafkaRecord(_value(read), key, headers, _microseconds(read.timestamp), read.name)
    return Sample(read.name, record, expected)


def _texts(row: dict[str, Any] | None) -> dict[str, str] | None:
    """The row's texts. Further fields may be written as the object that they are."""
    if row is None:
        return None
    wrong = [name for name, value in row.items() if not isinstance(value, str) and name != "extra_fields"]
    if wrong:
        raise ValueError(f"expect.row.{wrong[0]} must be a text: the contract's fields are")
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode() for name, value in row.items()
    }


def _value(line: _Line) -> bytes | None:
    if sum((line.value is not msgspec.UNSET, line.text is not None, line.base64 is not None)) != 1:
        raise ValueError("a sample has exactly one of value (JSON), text and base64")
    if line.base64 is not None:
        try:
            return base64.b64decode(line.base64, validate=True)
        except binascii.Error:
            raise ValueError("base64 is not base64") from None
    if line.text is not None:
        return line.text.encode()
    value = bytes(line.value)  # type: ignore[arg-type]
    return None if value == b"null" else value


def _microseconds(moment: datetime | None) -> int | None:
    if moment is not None and moment.tzinfo is None:
        raise ValueError("timestamp needs a zone, such as 2026-11-28T12:00:00Z")
    return to_microseconds(moment.astimezone(UTC)) if moment else None
