"""Whether the topic still fits what is published."""

import pytest

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.source.topic import TopicState, backlog, check_source


def topic(earliest: dict[int, int], latest: dict[int, int], topic_id: str = "one") -> TopicState:
    return TopicState("payment-events", topic_id, earliest, latest)


@pytest.mark.parametrize(
    ("published", "latest", "waiting"),
    [
        ({0: 10, 1: 20}, {0: 10, 1: 20}, 0),
        ({0: 10, 1: 20}, {0: 13, 1: 21}, 4),
        ({0: 10}, {0: 10, 1: 5}, 5),
        ({}, {0: 3}, 3),
        ({0: 3}, {}, 0),
    ],
    ids=["none", "some", "a new partition", "nothing published", "no partitions"],
)
def test_the_backlog_is_what_lies_between_published_and_latest(
    published: dict[int, int], latest: dict[int, int], waiting: int
) -> None:
    assert backlog(published, topic({}, latest)) == waiting


@pytest.mark.parametrize(
    ("published", "earliest", "latest"),
    [
        ({0: 10}, {0: 0}, {0: 12}),
        ({0: 10}, {0: 10}, {0: 10}),
        ({0: 10}, {0: 10, 1: 0}, {0: 12, 1: 5}),
        ({}, {0: 0}, {0: 5}),
    ],
    ids=["all kept", "just kept", "a new partition", "nothing published"],
)
def test_a_topic_that_keeps_all_that_is_unread_is_read_on(
    published: dict[int, int], earliest: dict[int, int], latest: dict[int, int]
) -> None:
    check_source(published, "one", topic(earliest, latest))


def incident(published: dict[int, int], state: TopicState) -> Incident:
    with pytest.raises(Incident) as refusal:
        check_source(published, "one", state)
    assert "\n" not in str(refusal.value)
    return refusal.value


def test_another_topic_of_the_same_name_stops_the_run() -> None:
    found = incident({0: 10}, topic({0: 0}, {0: 50}, topic_id="two"))
    assert found.kind is IncidentKind.TOPIC_RECREATED
    assert "id one then, two now" in str(found)


@pytest.mark.parametrize("latest", [{0: 9}, {}], ids=["shorter", "a partition gone"])
def test_a_topic_that_ends_before_what_is_published_stops_the_run(latest: dict[int, int]) -> None:
    found = incident({0: 10}, topic({0: 0}, latest))
    assert found.kind is IncidentKind.TOPIC_RECREATED
    assert "{0: 10}" in str(found)


def test_lost_offsets_stop_the_run_and_are_named() -> None:
    found = incident({0: 10, 1: 5}, topic({0: 13, 1: 5, 2: 4}, {0: 20, 1: 9, 2: 9}))
    assert found.kind is IncidentKind.OFFSETS_LOST
    assert "partition 0 offsets 10 to 12, partition 2 offsets 0 to 3" in str(found)
