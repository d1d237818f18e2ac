"""The last published record of a partition is held against the broker's: a broker that was set back holds another."""

import hashlib

import pytest

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.source.last_records import (
    check_last_records,
    last_records_from_json,
    last_records_to_json,
    sha256_at,
)
from tests.unit.spark_jobs.kafka_log import batch, marker

PUBLISHED = {0: (41, "aa"), 3: (7, "bb")}


def check(held: dict[int, str | None], *, is_compacted: bool = False) -> None:
    check_last_records("payments", PUBLISHED, held, is_compacted=is_compacted)


def test_the_text_is_canonical_and_read_back() -> None:
    assert last_records_to_json({3: (7, "bb"), 0: (41, "aa")}) == '{"0":[41,"aa"],"3":[7,"bb"]}'
    assert last_records_from_json(last_records_to_json(PUBLISHED)) == PUBLISHED
    assert last_records_from_json(None) == last_records_from_json("") == {}


def test_a_record_is_found_within_its_batch_and_a_marker_is_none() -> None:
    log = batch(10, 3, gap=2) + marker(15)
    assert sha256_at([log], 13) == hashlib.sha256(b"value").hexdigest()
    assert sha256_at([log], 11) is None, "taken out of the batch"
    assert sha256_at([log], 15) is None
    assert sha256_at([], 10) is None


def test_the_same_records_are_fine_and_one_that_retention_took_is_not_looked_at() -> None:
    check({0: "aa", 3: "bb"})
    check({3: "bb"})
    check({})


@pytest.mark.parametrize("held", ["cc", None])
def test_another_record_or_none_in_its_place_is_a_topic_that_was_set_back(held: str | None) -> None:
    with pytest.raises(Incident, match="partition 3 offset 7") as stopped:
        check({0: "aa", 3: held})
    assert stopped.value.kind is IncidentKind.TOPIC_RECREATED
    assert stopped.value.ranges == {3: (7, 8)}
    assert "\n" not in str(stopped.value)


def test_on_a_compacted_topic_it_may_be_gone_but_not_be_another() -> None:
    check({0: "aa", 3: None}, is_compacted=True)
    with pytest.raises(Incident):
        check({0: "aa", 3: "cc"}, is_compacted=True)
