"""The topic's log as it lies: the headers of its batches, by which records, markers and gaps are told apart.

Belongs here: fetching batches of a range and counting by their headers. Does not belong here: the records themselves
(ranges, stream), what a gap means (holes). The consumer of kafka-python hides markers and aborted records: so the
batches are fetched by the admin client's own connection.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kafka import KafkaAdminClient, TopicPartition

FETCH_BYTES = 8 << 20
_FETCH_WAIT_MS = 500
_SILENT_FETCHES = 20
_READ_COMMITTED = 1
_FETCH_VERSIONS = {"min_version": 4, "max_version": 12}
"""Aborted transactions are told since version 4; since 13 a topic goes by its id."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer of the broker: batches as bytes, and of each aborted transaction the producer and its first offset."""

    batches: bytes
    aborted: Sequence[tuple[int, int]]


@dataclass(slots=True)
class Counted:
    """What lies at the offsets of a range: `missing` are in no batch, or were taken out of one."""

    records: int = 0
    markers: int = 0
    aborted: int = 0
    missing: int = 0


class LogSilent(RuntimeError):
    """The broker gave no batch where one must be."""


def count(fetches: Iterable[Fetched], start: int, end: int) -> Counted:
    """What lies from `start` up to but not including `end`: by headers alone, but for batches that lack records."""
    from kafka.record import MemoryRecords

    counted, reached = Counted(), start
    for fetched in fetches:
        begun, aborting = sorted(fetched.aborted, key=lambda transaction: transaction[1]), set[int]()
        for batch in MemoryRecords(fetched.batches):
            while begun and begun[0][1] <= batch.next_offset - 1:
                aborting.add(begun.pop(0)[0])
            here = range(max(batch.base_offset, reached), min(batch.next_offset, end))
            if batch.is_control_batch:
                aborting.discard(batch.producer_id)
                counted.markers += len(here)
            else:
                kept = _kept(batch, here)
                is_aborted = batch.is_transactional and batch.producer_id in aborting
                counted.aborted += kept if is_aborted else 0
                counted.records += 0 if is_aborted else kept
            reached = max(reached, min(batch.next_offset, end))
    counted.missing = end - start - counted.records - counted.aborted - counted.markers
    return counted


def _kept(batch: Any, here: range) -> int:
    """How many of these offsets have a record in the batch: compaction takes records out, and leaves its span."""
    if not here:
        return 0
    if batch.records_count == batch.next_offset - batch.base_offset:
        return len(here)
    if batch.records_count == 0:
        return 0
    return sum(record.offset in here for record in batch)


def fetch(
    admin: "KafkaAdminClient", at: "TopicPartition", start: int, end: int, size: int = FETCH_BYTES
) -> Iterator[Fetched]:
    """The batches of a range of one partition, up to the last stable offset; `size` bytes at a time, or one batch.

    Raises:
        LogSilent: the broker gives no more, and the range is not at its end.
        KafkaError: it did not answer, or refused.
    """
    position, silent = start, 0
    while position < end:
        fetched, reached = admin._manager.run(_fetch, admin, at, position, size)
        silent = 0 if reached > position else silent + 1
        if silent == _SILENT_FETCHES:
            raise LogSilent(f"nothing came from partition {at.partition} at offset {position}.")
        position = max(position, reached)
        yield fetched


async def _fetch(admin: Any, at: "TopicPartition", position: int, size: int) -> tuple[Fetched, int]:
    from kafka.errors import for_code
    from kafka.protocol.consumer import FetchRequest
    from kafka.record import MemoryRecords

    [leader] = await admin._async_get_leader_for_partitions([at])
    topic = FetchRequest.FetchTopic
    wanted = topic.FetchPartition(
        partition=at.partition,
        current_leader_epoch=-1,
        fetch_offset=position,
        last_fetched_epoch=-1,
        partition_max_bytes=size,
    )
    request = FetchRequest(
        max_wait_ms=_FETCH_WAIT_MS,
        min_bytes=1,
        max_bytes=size,
        isolation_level=_READ_COMMITTED,
        session_id=0,
        session_epoch=-1,
        topics=[topic(topic=at.topic, partitions=[wanted])],
        forgotten_topics_data=[],
        rack_id="",
        **_FETCH_VERSIONS,
    )
    response = await admin._manager.send(request, node_id=leader)
    for code in (response.error_code, *(p.error_code for t in response.responses for p in t.partitions)):
        if code:
            raise for_code(code)()
    [answer] = response.responses[0].partitions
    aborted = [(each.producer_id, each.first_offset) for each in answer.aborted_transactions or ()]
    batches = bytes(answer.records or b"")
    reached = max((batch.next_offset for batch in MemoryRecords(batches)), default=position)
    return Fetched(batches, aborted), reached
