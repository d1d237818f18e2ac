"""Bytes to members: the reasons for which a value is no JSON of ours."""

import pytest

from spark_jobs.contract.payment_event import MAX_NESTING, MAX_VALUE_BYTES, Reason
from spark_jobs.parsing.json_text import Refused, load


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.EMPTY_VALUE),
        (b" \n", Reason.EMPTY_VALUE),
        (b'{"a":"' + b"x" * MAX_VALUE_BYTES + b'"}', Reason.OVERSIZE),
        (b'{"a":"\xff"}', Reason.INVALID_UTF8),
        (b'{"a":' + b"[" * MAX_NESTING + b"]" * MAX_NESTING + b"}", Reason.TOO_DEEP),
        (b'{"a":NaN}', Reason.INVALID_JSON),
        (b'{"a":1}{"b":2}', Reason.INVALID_JSON),
        (b"[1]", Reason.NOT_AN_OBJECT),
    ],
)
def test_what_is_no_json_of_ours_is_refused_with_its_reason(value: bytes | None, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        load(value, int, float)
    assert refused.value.reason is reason


def test_brackets_within_texts_are_not_counted_as_depth() -> None:
    assert load(b'{"a":"' + b"[" * 40 + b'"}', int, float) == [("a", "[" * 40)]
