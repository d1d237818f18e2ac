"""Values found in documents."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.contract.payment_event import Reason
from spark_jobs.mapping.expressions import parse_expression
from spark_jobs.mapping.readers import CannotRead, Record, escape_of, hash_of, text_reader, value_reader


def value(expression: str, document: Any, **record: Any) -> Any:
    return value_reader(parse_expression(expression))(Record(document, **record))


def text(expression: str, document: Any, **record: Any) -> str | None:
    return text_reader(parse_expression(expression))(Record(document, **record))


DOCUMENT = {
    "a": {"b": {"c": {"d": "deep"}}},
    "n": None,
    "l": [{"k": "x", "v": 1}, {"k": "y", "v": 2}],
    "i": 7,
    "0": "z",
}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("i", 7),
        ("a.b", {"c": {"d": "deep"}}),
        ("a.b.c", {"d": "deep"}),
        ("a.b.c.d", "deep"),
        ("n", None),
        ("n.x.y", None),
        ("missing", None),
        ("a.missing", None),
        ("a.missing.c", None),
        ("a.b.c.missing", None),
        ("l[0].v", 1),
        ("l[-1].v", 2),
        ("l[2].v", None),
        ("l[-3]", None),
        ("l[k=y].v", 2),
        ("l[v=1].k", "x"),
        ("l[k=z].v", None),
        ("missing[only].x", None),
        ("['0']", "z"),
        ("first(missing, n, i)", 7),
        ("first(missing, n)", None),
    ],
)
def test_a_path_finds_its_value_and_nothing_where_there_is_none(expression: str, found: Any) -> None:
    assert value(expression, DOCUMENT) == found


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("i.x", Reason.WRONG_TYPE),
        ("a.b.c.d.e", Reason.WRONG_TYPE),
        ("l.x", Reason.WRONG_TYPE),
        ("l.x.y", Reason.WRONG_TYPE),
        ("a[0]", Reason.WRONG_TYPE),
        ("a[only]", Reason.WRONG_TYPE),
        ("a.b.c.d[0]", Reason.WRONG_TYPE),
        ("l[only].v", Reason.MORE_THAN_ONE),
        ("upper(a)", Reason.WRONG_TYPE),
        ("'x' + l", Reason.WRONG_TYPE),
    ],
)
def test_a_document_of_another_shape_is_a_reason_and_not_an_absence(expression: str, reason: Reason) -> None:
    with pytest.raises(CannotRead) as raised:
        value(expression, DOCUMENT)
    assert raised.value.reason is reason


@pytest.mark.parametrize("other", [True, Decimal("1.5"), 1.5, {}, [], 10**64])
def test_only_texts_and_whole_numbers_are_texts(other: Any) -> None:
    assert text("x", {"x": "a"}) == "a"
    assert text("x", {"x": -12}) == "-12"
    with pytest.raises(CannotRead):
        text("x", {"x": other})


def test_functions_make_texts() -> None:
    document = {"c": "eUr", "s": " x ", "m": 742, "id": "ch_1", "status": "ok"}
    assert text("upper(c)", document) == "EUR"
    assert text("lower(c)", document) == "eur"
    assert text("trim(s)", document) == "x"
    assert text("pad(m, 4)", document) == "0742"
    assert text("if_there(id, m)", document) == "742"
    assert text("if_there(other, m)", document) is None
    assert value("first(other, if_there(id, m))", document) == 742
    assert text("after_last(link, '/')", {"link": "https://api.example.com/captures/0A"}) == "0A"
    assert text("after_last(link, '/captures/')", {"link": "https://api.example.com/orders/0A"}) is None
    assert text("after_last(link, '/')", {}) is None
    assert text("id + ':' + status", document) == "ch_1:ok"
    assert text("id + ':' + missing", document) is None
    assert text("upper(missing)", document) is None
    assert text("hash(missing)", document) is None
    assert text("escape(id, 'a b')", document) == "ch_5F1__a_20b"


def test_what_kafka_knows_of_a_record_can_be_read() -> None:
    headers = [("ce_id", b"1"), ("twice", b"a"), ("twice", b"b"), ("none", None), ("binary", b"\xff")]
    assert text("key()", {}, key=b"k") == "k"
    assert text("key()", {}) is None
    assert text("header('ce_id')", {}, headers=headers) == "1"
    assert text("header('missing')", {}, headers=headers) is None
    assert text("header('none')", {}, headers=headers) is None
    assert text("header('ce_id')", {}) is None
    assert value("timestamp()", {}, timestamp=5) == 5
    for expression, reason in (("header('twice')", Reason.MORE_THAN_ONE), ("header('binary')", Reason.INVALID_UTF8)):
        with pytest.raises(CannotRead) as raised:
            text(expression, {}, headers=headers)
        assert raised.value.reason is reason


TEXTS = st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=5), min_size=1, max_size=3)


@given(TEXTS, TEXTS)
def test_no_two_lists_of_texts_have_the_same_id(one: list[str], other: list[str]) -> None:
    assert (escape_of(one) == escape_of(other)) == (one == other)
    assert (hash_of(one) == hash_of(other)) == (one == other)


@given(TEXTS)
def test_ids_have_the_characters_that_the_contract_allows(texts: list[str]) -> None:
    assert all(character.isascii() and (character.isalnum() or character in "-_") for character in escape_of(texts))
    assert len(hash_of(texts)) == 64
