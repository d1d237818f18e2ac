"""Which records are payments."""

from decimal import Decimal
from typing import Any

import pytest

from spark_jobs.contract.payment_event import Reason
from spark_jobs.mapping.expressions import parse_expression
from spark_jobs.mapping.readers import CannotRead, Record
from spark_jobs.mapping.rules import Question, Rule, rule_reader, tombstone_rule


def rule(name: str, *tests: tuple[str, str, Any]) -> Rule:
    return Rule(name, tuple(Question(parse_expression(path), test, against) for path, test, against in tests))


def ignored_by(document: Any, *rules: Rule) -> str | None:
    return rule_reader(rules)(Record(document))


@pytest.mark.parametrize(
    ("test", "against", "value", "applies"),
    [
        ("is", ("a",), "a", True),
        ("is", ("a",), "b", False),
        ("is", (True,), True, True),
        ("is", (True,), 1, False),
        ("is", (1,), True, False),
        ("is", (0,), 0, True),
        ("is", (0,), Decimal("0.00"), True),
        ("is", (0,), "0", False),
        ("is", ("true",), True, False),
        ("is_not", ("a",), "b", True),
        ("is_not", ("a",), "a", False),
        ("is_not", ("a",), 7, True),
        ("in", ("a", "b"), "b", True),
        ("in", ("a", 1), 1, True),
        ("in", ("a", "b"), "c", False),
        ("not_in", ("a", "b"), "c", True),
        ("not_in", ("a", "b"), "a", False),
        ("starts_with", ("payout.",), "payout.paid", True),
        ("starts_with", ("payout.",), "charge.paid", False),
        ("starts_with", ("1",), 12, False),
        ("present", (True,), "a", True),
        ("present", (False,), "a", False),
    ],
)
def test_a_condition_asks_for_a_value(test: str, against: tuple[Any, ...], value: Any, applies: bool) -> None:
    expected = "none" if applies else None
    assert ignored_by({"x": value}, rule("none", ("x", test, against))) == expected


@pytest.mark.parametrize("test", ["is_not", "not_in"])
@pytest.mark.parametrize("document", [{}, {"x": None}, {"x": {}}, {"x": []}])
def test_whether_an_absent_value_differs_is_undecided_and_not_a_payment(test: str, document: Any) -> None:
    with pytest.raises(CannotRead) as raised:
        ignored_by(document, rule("none", ("x", test, ("a",))))
    assert raised.value.reason is Reason.UNDECIDED_RULE


@pytest.mark.parametrize("test", ["is", "in", "starts_with"])
def test_an_absent_value_equals_nothing(test: str) -> None:
    assert ignored_by({}, rule("none", ("x", test, ("a",)))) is None
    assert ignored_by({}, rule("none", ("x", "present", (False,)))) == "none"


@pytest.mark.parametrize("test", ["is", "is_not", "in", "not_in", "starts_with", "present"])
def test_another_shape_is_undecided(test: str) -> None:
    with pytest.raises(CannotRead) as raised:
        ignored_by({"x": "text"}, rule("none", ("x.y", test, ("a",))))
    assert raised.value.reason is Reason.UNDECIDED_RULE


def test_all_conditions_of_a_rule_have_to_hold() -> None:
    both = rule("none", ("x", "is", ("a",)), ("y", "is_not", ("b",)))
    assert ignored_by({"x": "a", "y": "c"}, both) == "none"
    assert ignored_by({"x": "a", "y": "b"}, both) is None
    assert ignored_by({"x": "b"}, both) is None
    with pytest.raises(CannotRead):
        ignored_by({"x": "a"}, both)


def test_the_first_rule_that_applies_names_the_record() -> None:
    one, other = rule("one", ("x", "is", ("a",))), rule("other", ("x", "present", (True,)))
    assert ignored_by({"x": "a"}, one, other) == "one"
    assert ignored_by({"x": "b"}, one, other) == "other"
    undecided = rule("undecided", ("y", "is_not", ("a",)))
    assert ignored_by({"x": "a"}, undecided, one) == "one"


def test_a_rule_may_be_for_records_without_a_value() -> None:
    assert tombstone_rule((rule("one", ("x", "is", ("a",))), Rule("deleted", (), is_tombstone=True))) == "deleted"
    assert tombstone_rule(()) is None
