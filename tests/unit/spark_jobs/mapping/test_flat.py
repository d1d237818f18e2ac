"""Expressions over the values of places."""

import pytest

from spark_jobs.mapping.expressions import parse_expression
from spark_jobs.mapping.flat import NotFlat, flat
from spark_jobs.mapping.readers import Record, value_reader


def test_the_same_expression_is_asked_of_the_values_of_its_places() -> None:
    texts = ["first(a.b, c) + '-' + upper(a.b)", "pad(c, 4)"]
    places, over = flat([parse_expression(text) for text in texts])
    assert places == (("a", "b"), ("c",))
    record = Record({"0": None, "1": 7})
    assert [value_reader(each)(record) for each in over] == [None, "0007"]
    record = Record({"0": "x", "1": 7})
    assert [value_reader(each)(record) for each in over] == ["x-X", "0007"]


def test_a_text_that_is_the_same_for_every_record_has_no_place() -> None:
    assert flat([parse_expression("'a' + 'b'")])[0] == ()


@pytest.mark.parametrize("text", ["a[0]", "a[only].b", "a[b=c].d", "key()", "upper(header('h'))", "timestamp()"])
def test_who_asks_for_more_than_places_is_told(text: str) -> None:
    with pytest.raises(NotFlat):
        flat([parse_expression(text)])
