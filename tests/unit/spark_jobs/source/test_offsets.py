"""Where a new dataset may begin: at offsets of every partition that the broker keeps."""

import pytest

from spark_jobs.source.offsets import WrongOffsets, check_offsets, parse_offsets

EARLIEST, LATEST = {0: 5, 1: 0}, {0: 9, 1: 0}
NONE = ["", "7", "[1]", "{", '{"a": 1}', '{"0": "x"}', '{"0": 1.5}', '{"0": true}', '{"0": null}']


def test_offsets_are_read_by_partition() -> None:
    assert parse_offsets('{"0": 7, "1": 0}') == {0: 7, 1: 0}


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_such_object_is_refused_with_one_line(text: str) -> None:
    with pytest.raises(WrongOffsets) as refused:
        parse_offsets(text)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("offset", [5, 7, 9])
def test_every_offset_that_is_kept_will_do_and_the_end(offset: int) -> None:
    assert check_offsets({0: offset, 1: 0}, EARLIEST, LATEST) == {0: offset, 1: 0}


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({0: 4, 1: 0}, "partition 0 can be read from offset 5 to 9, not from 4"),
        ({0: 10, 1: 0}, "not from 10"),
        ({0: 7}, "name each of them"),
        ({0: 7, 1: 0, 2: 0}, "name each of them"),
    ],
)
def test_others_are_refused(chosen: dict[int, int], message: str) -> None:
    with pytest.raises(WrongOffsets, match=message):
        check_offsets(chosen, EARLIEST, LATEST)
