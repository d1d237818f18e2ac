"""What one bucket of the deduplication remembers: which ids were seen, and how far event time has come.

Belongs here: the compact form of the state, probing, growing and forgetting. Does not belong here: what a hit means
(dispositions), who keeps the encoded form between batches (Spark's state store, by streaming).

An id is remembered by its key, 10 bytes of its hash. Ids live in slots of event time; a slot is forgotten whole once
the watermark has passed all of it, so forgetting costs nothing per id. Within a slot the newest ids form a sorted tail
that travels in the encoded state; a tail that has grown is written once, as an immutable segment file, and segments of
like size are merged, so that a batch rewrites only a bounded share of what it did not touch.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from spark_jobs.deduplication.id_keys import KEY, KEY_BYTES, Keys, PackedKeys, among, in_order, packed_bytes

SLOT_MICROSECONDS = 15 * 60 * 1_000_000
SPILL_KEYS = 32_768
"""A tail this long becomes a segment file."""

RETIRED_BATCHES = 30
"""A segment that was merged or forgotten is deleted after so many batches: older state versions may still name it."""

NOTHING_SEEN = -(2**63)


class SegmentStore(Protocol):
    """Where segment files live. A name is written once, whole and durable, before the state that names it."""

    def write(self, keys: Keys) -> str:
        """Store sorted keys; returns the new segment's name."""

    def read(self, name: str) -> PackedKeys:
        """The keys of a segment."""

    def delete(self, name: str) -> None:
        """Remove a segment; one already gone is no error."""


class _Segment(msgspec.Struct, frozen=True, array_like=True):
    name: str
    count: int


class _Slot(msgspec.Struct, frozen=True, array_like=True):
    number: int
    tail: bytes = b""
    segments: tuple[_Segment, ...] = ()

    @property
    def newest(self) -> Keys:
        return np.frombuffer(self.tail, KEY)

    @property
    def count(self) -> int:
        return len(self.tail) // KEY_BYTES + sum(segment.count for segment in self.segments)


class _Encoded(msgspec.Struct, array_like=True):
    batches: int
    max_event_time: int
    slots: tuple[_Slot, ...]
    retired: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class DedupState:
    """One bucket's state. Immutable: `advance` returns the next one.

    `max_event_time` is in microseconds since 1970, NOTHING_SEEN before the first valid payment; it is the greatest of
    the whole stream, not of the bucket, so that every bucket judges lateness alike.
    """

    batches: int = 0
    max_event_time: int = NOTHING_SEEN
    slots: tuple[_Slot, ...] = ()
    retired: tuple[tuple[int, str], ...] = ()

    @classmethod
    def decode(cls, encoded: bytes) -> "DedupState":
        """The state that `encode` wrote."""
        state = msgspec.msgpack.decode(encoded, type=_Encoded)
        return cls(state.batches, state.max_event_time, state.slots, state.retired)

    def encode(self) -> bytes:
        """The state without the contents of its segment files."""
        return msgspec.msgpack.encode(_Encoded(self.batches, self.max_event_time, self.slots, self.retired))

    @property
    def key_count(self) -> int:
        """How many ids are remembered."""
        return sum(slot.count for slot in self.slots)

    @property
    def size_bytes(self) -> int:
        """Bytes of the state at rest: the encoded form and the segment files it names."""
        return len(self.encode()) + sum(packed_bytes(s.count) for slot in self.slots for s in slot.segments)

    def contains(self, keys: Keys, store: SegmentStore) -> npt.NDArray[np.bool_]:
        """For each key, whether it is remembered; quickest where they are sorted."""
        found = np.zeros(len(keys), dtype=bool)
        for slot in self.slots:
            if slot.tail:
                found |= among(keys, slot.newest)
            for segment in slot.segments:
                found |= store.read(segment.name).has(keys)
        return found

    def advance(
        self, keys: Keys, event_times: npt.NDArray[np.int64], max_event_time: int, delay: int, store: SegmentStore
    ) -> "DedupState":
        """The state after a batch.

        Args:
            keys: the ids that the batch saw first.
            event_times: their event times, microseconds.
            max_event_time: the greatest event time of the whole batch; NOTHING_SEEN where it has none.
            delay: how far the watermark trails, microseconds.
            store: where grown tails go.
        """
        newest = max(self.max_event_time, max_event_time)
        slots = {slot.number: slot for slot in self.slots}
        retired = list(self.retired)
        numbers = event_times // SLOT_MICROSECONDS
        for number in np.unique(numbers).tolist():
            slot = slots.get(number, _Slot(number))
            slots[number] = _grown(slot, keys[numbers == number], store, retired, self.batches)
        for number in [n for n in slots if (n + 1) * SLOT_MICROSECONDS <= newest - delay]:
            retired += [(self.batches, segment.name) for segment in slots.pop(number).segments]
        for _, name in (old for old in retired if old[0] < self.batches - RETIRED_BATCHES):
            store.delete(name)
        return replace(
            self,
            batches=self.batches + 1,
            max_event_time=newest,
            slots=tuple(slots[number] for number in sorted(slots)),
            retired=tuple(old for old in retired if old[0] >= self.batches - RETIRED_BATCHES),
        )


def _grown(slot: _Slot, keys: Keys, store: SegmentStore, retired: list[tuple[int, str]], batch: int) -> _Slot:
    tail = in_order(slot.newest, keys)
    if len(tail) < SPILL_KEYS:
        return _Slot(slot.number, tail.tobytes(), slot.segments)
    segments, spilled = list(slot.segments), tail
    while segments and segments[-1].count <= 3 * len(spilled):
        merged = segments.pop()
        spilled = in_order(store.read(merged.name).keys(), spilled)
        retired.append((batch, merged.name))
    return _Slot(slot.number, b"", (*segments, _Segment(store.write(spilled), len(spilled))))
