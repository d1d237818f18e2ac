"""What was seen of the paths of a sample."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.mapping.expressions import Path, parse_expression
from spark_jobs.mapping.readers import Record, value_reader
from spark_jobs.mapping.trials.profile import MOST_PATHS, Seen, profile, shape

DOCUMENTS = [
    {"id": "a1", "status": "paid", "money": {"amount": 5, "odd name": "x"}, "items": [{"v": 1}, {"v": 2}], "n": None},
    {"id": "b2", "status": "open", "money": {"amount": Decimal("1.5")}, "items": [], "n": True},
]


def by_path(documents: list[Any]) -> dict[str, Seen]:
    return {seen.path: seen for seen in profile(documents)}


def test_types_and_shares_are_counted_by_path() -> None:
    seen = by_path(DOCUMENTS)
    assert dict(seen["money.amount"].types) == {"whole number": 1, "number": 1}
    assert seen["money.amount"].share(2) == 1.0
    assert seen["money['odd name']"].share(2) == 0.5
    assert dict(seen["n"].types) == {"null": 1, "true or false": 1}
    assert seen["n"].share(2) == 0.5
    assert seen["items"].longest_list == 2
    assert not seen["items"].is_scalar
    assert seen["items[only].v"].is_scalar
    assert seen["id"].share(0) == 0.0


def test_words_are_shown_only_where_the_name_says_that_they_are_words() -> None:
    seen = by_path(DOCUMENTS)
    assert seen["status"].words() == ["paid", "open"]
    assert seen["id"].words() == []
    assert by_path([{"status": "Jane Doe"}])["status"].words() == []
    assert by_path([{"name": "Jane"}])["name"].example() == "Aaaa"
    assert by_path([{"__op": "c"}])["__op"].words() == ["c"]
    for name in ("shop", "passcode"):
        assert by_path([{name: "Jane"}])[name].example() == "Aaaa"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("ch_3Qx", "aa_9Aa"),
        ("DE00 1234", "AA99 9999"),
        ("é@example.com", "a@aaaaaaa.aaa"),
        ("x" * 40, "a" * 24 + "..."),
        ("a\nb = 1\x7f", "a a = 9 "),
    ],
)
def test_examples_give_nothing_away(text: str, redacted: str) -> None:
    assert shape(text) == redacted


def test_a_sample_of_endless_paths_is_cut() -> None:
    assert len(profile([{f"k{number}": number for number in range(MOST_PATHS + 100)}])) == MOST_PATHS
    assert profile(["no object"]) == []


NESTED: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(alphabet="ab.[]'+ ", max_size=4), NESTED, max_size=3))
def test_every_path_is_one_that_the_language_reads(document: dict[str, Any]) -> None:
    for seen in profile([document]):
        if "'" in seen.path and '"' in seen.path:
            continue  # A name with both quotes cannot be written.
        expression = parse_expression(seen.path)
        assert isinstance(expression, Path)
        if seen.is_scalar and "[only]" not in seen.path:
            assert value_reader(expression)(Record(document)) in seen.values
