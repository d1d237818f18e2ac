"""The lag of the stream as other people's tools show it: that of a consumer group which nobody is a member of."""

from contextlib import closing

import pytest

from spark_jobs.source.connection import admin_client
from spark_jobs.source.topic import TopicReader
from tests import kafka_tool
from tests.kafka_tool import Shown
from tests.world import World

pytestmark = pytest.mark.integration

WAITING = 20


@pytest.fixture
def behind(world: World) -> World:
    """A stream that has published all but so many records."""
    world.simulate(300, seed=31)
    world.drain()
    world.simulate(WAITING, seed=32)
    return world


def test_a_client_of_another_language_reads_the_published_offsets_as_those_of_the_group(behind: World) -> None:
    servers, group = behind.settings.bootstrap_servers, behind.settings.consumer_group
    with closing(admin_client(servers)) as admin:
        kept = admin.list_group_offsets({group: None})[group]
    committed = {at.partition: each.offset for at, each in kept.items() if at.topic == behind.settings.topic}
    assert committed == behind.control().end_offsets


def test_kafkas_own_tool_shows_as_lag_what_is_not_published_and_none_once_it_is(behind: World) -> None:
    assert sum(row.lag for row in shown(behind).values()) == WAITING
    behind.drain()
    assert {row.lag for row in shown(behind).values()} == {0}


def shown(world: World) -> dict[int, Shown]:
    """Each partition's row, which says what the control row and the broker say."""
    settings = world.settings
    with TopicReader(settings.bootstrap_servers, settings.topic) as reader:
        ends = reader.read().latest
    rows = kafka_tool.describe(settings.bootstrap_servers, settings.consumer_group, settings.topic)
    published = world.control().end_offsets
    assert rows == {at: Shown(published[at], end, end - published[at]) for at, end in ends.items()}
    return rows
