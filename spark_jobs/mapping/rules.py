"""Which records are payments: the mapping's own rules by which a record is none, each with a name.

Belongs here: conditions on a record, and what a rule says of it. Does not belong here: how rules are written (spec).
Pure.

A condition is true, false or, where the value that it asks for is absent or of another shape, undecided. What is
undecided is never taken for "no payment", and never for a payment.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from spark_jobs.contract.payment_event import Reason
from spark_jobs.mapping.expressions import Expression
from spark_jobs.mapping.readers import CannotRead, Reader, Record, value_reader

type Scalar = str | int | bool
type Condition = Callable[[Record], bool | None]

IS, IS_NOT, IN, NOT_IN, STARTS_WITH, PRESENT = TESTS = ("is", "is_not", "in", "not_in", "starts_with", "present")


@dataclass(frozen=True, slots=True)
class Question:
    """One condition: what is looked at, the test (of TESTS), and what it is held against."""

    of: Expression
    test: str
    against: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A record that meets all of the tests is no payment."""

    name: str
    tests: tuple[Question, ...]
    is_tombstone: bool = False


def rule_reader(rules: tuple[Rule, ...]) -> Callable[[Record], str | None]:
    """A function that names the first rule by which a record is no payment; None: it is one.

    Raises (the function):
        CannotRead: no rule says so, and one could not be decided.
    """
    compiled = [(rule.name, [condition_of(test) for test in rule.tests]) for rule in rules if rule.tests]

    def ignored_by(record: Record) -> str | None:
        is_undecided = False
        for name, conditions in compiled:
            verdict = _all(conditions, record)
            if verdict:
                return name
            is_undecided = is_undecided or verdict is None
        if is_undecided:
            raise CannotRead(Reason.UNDECIDED_RULE)
        return None

    return ignored_by


def condition_of(test: Question) -> Condition:
    """What says of a record whether it is as the test asks; None: that cannot be told."""
    read = value_reader(test.of)
    if test.test == PRESENT:
        return _presence(read, wanted=bool(test.against[0]))
    if test.test == STARTS_WITH:
        prefix = str(test.against[0])
        return _scalar(read, lambda value: type(value) is str and value.startswith(prefix), is_absent_false=True)
    if all(type(value) is str for value in test.against) and test.test in (IS, IN, IS_NOT, NOT_IN):
        return _text_test(read, frozenset(map(str, test.against)), is_in=test.test in (IS, IN))
    members = frozenset((_kind(value), value) for value in test.against)
    if test.test in (IS, IN):
        return _scalar(read, lambda value: (_kind(value), value) in members, is_absent_false=True)
    return _scalar(read, lambda value: (_kind(value), value) not in members, is_absent_false=False)


def tombstone_rule(rules: tuple[Rule, ...]) -> str | None:
    """The rule that says that a record without a value is no payment."""
    return next((rule.name for rule in rules if rule.is_tombstone), None)


def _all(conditions: list[Condition], record: Record) -> bool | None:
    verdict: bool | None = True
    for condition in conditions:
        met = condition(record)
        if met is False:
            return False
        if met is None:
            verdict = None
    return verdict


def _presence(read: Reader, *, wanted: bool) -> Condition:
    def condition(record: Record) -> bool | None:
        try:
            return (read(record) is not None) == wanted
        except CannotRead:
            return None

    return condition


def _scalar(read: Reader, decide: Callable[[Any], bool], *, is_absent_false: bool) -> Condition:
    """A value that is absent equals nothing; whether it differs from something is another matter: it is undecided."""

    def condition(record: Record) -> bool | None:
        try:
            value = read(record)
        except CannotRead:
            return None
        if value is None:
            return False if is_absent_false else None
        return None if isinstance(value, dict | list) else decide(value)

    return condition


def _text_test(read: Reader, texts: frozenset[str], *, is_in: bool) -> Condition:
    """What nearly every rule asks, without the detours."""
    is_absent = False if is_in else None

    def condition(record: Record) -> bool | None:
        try:
            value = read(record)
        except CannotRead:
            return None
        if type(value) is str:
            return (value in texts) == is_in
        if value is None:
            return is_absent
        return None if isinstance(value, dict | list) else not is_in

    return condition


def _kind(value: Any) -> type:
    """1 and true are equal in Python and not in a document; 1 and 1.0 are in both."""
    return int if type(value) is Decimal else type(value)
