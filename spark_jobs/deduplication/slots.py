"""Ids of one span of event time: the newest as a sorted tail, the others in immutable segment files.

Belongs here: the form of a span, and how it grows. Does not belong here: which spans a bucket remembers (state), what a
segment file is (segment_files).
"""

from collections.abc import Iterable
from typing import Protocol

import msgspec
import numpy as np

from spark_jobs.deduplication.id_keys import KEY, KEY_BYTES, Keys, PackedKeys, in_order

ALIKE = 8
"""So many segments of a day's level are merged into one of the next level."""
LARGEST_SEGMENT = 1 << 25
"""Those that would be larger than so many keys together stay apart: to merge them would hold up a batch."""


class SegmentStore(Protocol):
    """Where segment files live. A name is written once, whole and durable, before the state that names it."""

    def write(self, keys: Keys, *, is_filtered: bool = False) -> str:
        """Store sorted keys, with a filter where they are hardly ever found; returns the new segment's name."""

    def read(self, name: str) -> PackedKeys:
        """The keys of a segment."""

    def check(self, name: str) -> None:
        """Read all of a segment, and hold it against what was written."""

    def delete(self, name: str) -> None:
        """Remove a segment; one already gone is no error."""


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """A segment file by its name, and how many keys it has. `level` is how often a day's keys were merged."""

    name: str
    count: int
    level: int = 0


class Slot(msgspec.Struct, frozen=True, array_like=True):
    """The ids of one span of event time. `number` counts spans of that length since 1970."""

    number: int
    tail: bytes = b""
    segments: tuple[Segment, ...] = ()

    @property
    def newest(self) -> Keys:
        """The keys of the tail."""
        return np.frombuffer(self.tail, KEY)

    @property
    def count(self) -> int:
        """How many keys there are."""
        return len(self.tail) // KEY_BYTES + sum(segment.count for segment in self.segments)

    @property
    def names(self) -> tuple[str, ...]:
        """Its segments' names."""
        return tuple(segment.name for segment in self.segments)


def grown(slot: Slot, keys: Keys, store: SegmentStore, longest_tail: int) -> tuple[Slot, tuple[str, ...]]:
    """The span with more keys, and the segments that it no longer needs.

    A tail as long as `longest_tail` is written as a segment, with the newest segments that are of like size.
    """
    tail = in_order(slot.newest, keys)
    if len(tail) < longest_tail:
        return Slot(slot.number, tail.tobytes(), slot.segments), ()
    segments, spilled, merged = list(slot.segments), tail, []
    while segments and segments[-1].count <= 3 * len(spilled):
        last = segments.pop()
        spilled = in_order(store.read(last.name).keys(), spilled)
        merged.append(last.name)
    return Slot(slot.number, b"", (*segments, Segment(store.write(spilled), len(spilled)))), tuple(merged)


def gathered(day: Slot, keys: Keys, store: SegmentStore) -> tuple[Slot, tuple[str, ...]]:
    """The same of a day, to which closed slots are added, and in which an id is hardly ever found.

    It has no tail, and each of its segments has a filter. They are merged many at once, so that a key is written a few
    times only.
    """
    segments, merged = [*day.segments, Segment(store.write(keys, is_filtered=True), len(keys))], list[str]()
    while alike := _to_merge(segments):
        for segment in alike:
            store.check(segment.name)
        together = in_order(*(store.read(segment.name).keys() for segment in alike))
        merged += [segment.name for segment in alike]
        segments[-ALIKE:] = [Segment(store.write(together, is_filtered=True), len(together), alike[0].level + 1)]
    return Slot(day.number, b"", tuple(segments)), tuple(merged)


def _to_merge(segments: list[Segment]) -> list[Segment]:
    """The newest segments, where there are ALIKE of one level."""
    newest = segments[-ALIKE:]
    is_level = len(newest) == ALIKE and len({segment.level for segment in newest}) == 1
    return newest if is_level and sum(segment.count for segment in newest) <= LARGEST_SEGMENT else []


def keys_in(slots: Iterable[Slot], store: SegmentStore) -> Keys:
    """All keys of some spans, sorted."""
    found = [slot.newest for slot in slots]
    return in_order(*found, *(store.read(name).keys() for slot in slots for name in slot.names))
