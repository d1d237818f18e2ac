"""What one bucket of the deduplication remembers: which ids were seen, and how far event time has come.

Belongs here: the compact form of the state, probing, growing and forgetting. Does not belong here: what a hit means
(dispositions), how a span of ids grows (slots), who keeps the encoded form between batches (Spark's state store, by
streaming).

An id is remembered by its key, 10 bytes of its hash. Ids live in slots of event time; a slot is closed whole once
the watermark has passed all of it, so forgetting costs nothing per id. Within a slot the newest ids form a sorted tail
that travels in the encoded state; a tail that has grown is written once, as an immutable segment file, and segments of
like size are merged, so that a batch rewrites only a bounded share of what it did not touch.

Closed slots go into the days of the look-back, in segment files of the same kind. An id that is found there makes
nobody a duplicate: it says that the warehouse has to be asked for that day. A day is forgotten whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import numpy.typing as npt

from spark_jobs.deduplication.id_keys import Keys, Probe, among, in_order, packed_bytes
from spark_jobs.deduplication.slots import SegmentStore, Slot, gathered, grown, keys_in

SLOT_MICROSECONDS = 15 * 60 * 1_000_000
DAY_MICROSECONDS = 24 * 60 * 60 * 1_000_000
SPILL_KEYS = 32_768
"""A tail this long becomes a segment file."""

RETIRED_BATCHES = 30
"""A segment that was merged or forgotten is deleted after so many batches: older state versions may still name it."""

NOTHING_SEEN = -(2**63)


class _Encoded(msgspec.Struct, array_like=True):
    """Fields that came later have defaults: older code reads over them, and newer code does without."""

    batches: int
    max_event_time: int
    slots: tuple[Slot, ...]
    retired: tuple[tuple[int, str], ...]
    days: tuple[Slot, ...] = ()
    complete_since: int | None = None


@dataclass(frozen=True, slots=True)
class DedupState:
    """One bucket's state. Immutable: `advance` returns the next one.

    `max_event_time` is in microseconds since 1970, NOTHING_SEEN before the first valid payment; it is the greatest of
    the whole stream, not of the bucket, so that every bucket judges lateness alike. `slots` are the ids of the window,
    `days` those of the look-back before it. Every payment of the bucket that was made at or after `complete_since`
    (microseconds since 1970) and published by the stream is in one of the two; None where nobody knows.
    """

    batches: int = 0
    max_event_time: int = NOTHING_SEEN
    slots: tuple[Slot, ...] = ()
    retired: tuple[tuple[int, str], ...] = ()
    days: tuple[Slot, ...] = ()
    complete_since: int | None = NOTHING_SEEN

    @classmethod
    def decode(cls, encoded: bytes) -> "DedupState":
        """The state that `encode` wrote."""
        state = msgspec.msgpack.decode(encoded, type=_Encoded)
        return cls(state.batches, state.max_event_time, state.slots, state.retired, state.days, state.complete_since)

    def encode(self) -> bytes:
        """The state without the contents of its segment files."""
        return msgspec.msgpack.encode(
            _Encoded(self.batches, self.max_event_time, self.slots, self.retired, self.days, self.complete_since)
        )

    @property
    def key_count(self) -> int:
        """How many ids are remembered, without those of the look-back."""
        return sum(slot.count for slot in self.slots)

    @property
    def size_bytes(self) -> int:
        """Bytes of the state at rest: the encoded form, and the segment files that it names but for the look-back's."""
        return len(self.encode()) + sum(packed_bytes(s.count) for slot in self.slots for s in slot.segments)

    def closed_until(self, delay: int) -> int:
        """Before when all slots are closed, microseconds; NOTHING_SEEN before the first payment."""
        if self.max_event_time == NOTHING_SEEN:
            return NOTHING_SEEN
        return (self.max_event_time - delay) // SLOT_MICROSECONDS * SLOT_MICROSECONDS

    def contains(self, keys: Keys, store: SegmentStore) -> npt.NDArray[np.bool_]:
        """For each key, whether it is remembered; quickest where they are sorted."""
        found = np.zeros(len(keys), dtype=bool)
        for slot in self.slots:
            found |= _has(slot, keys, store)
        return found

    def days_with(self, keys: Keys, store: SegmentStore) -> tuple[int, ...]:
        """The days of the look-back, counted from 1970, on which a payment with one of the keys was published."""
        if not self.days:
            return ()
        keys = in_order(keys)
        probe = Probe.of(keys)
        return tuple(
            day.number for day in self.days if any(store.read(name).has(keys, probe).any() for name in day.names)
        )

    def advance(
        self,
        keys: Keys,
        event_times: npt.NDArray[np.int64],
        max_event_time: int,
        delay: int,
        store: SegmentStore,
        lookback: int = 0,
    ) -> "DedupState":
        """The state after a batch.

        Args:
            keys: the ids that the batch saw first.
            event_times: their event times, microseconds.
            max_event_time: the greatest event time of the whole batch; NOTHING_SEEN where it has none.
            delay: how far the watermark trails, microseconds.
            store: where grown tails go.
            lookback: for how long before the watermark closed slots are kept, microseconds; 0 keeps none.
        """
        newest = max(self.max_event_time, max_event_time)
        watermark = newest - delay
        slots = {slot.number: slot for slot in self.slots}
        retired = list(self.retired)
        numbers = event_times // SLOT_MICROSECONDS
        for number in np.unique(numbers).tolist():
            slot = slots.get(number, Slot(number))
            slots[number], merged = grown(slot, keys[numbers == number], store, SPILL_KEYS)
            retired += [(self.batches, name) for name in merged]
        closed = [slots.pop(number) for number in sorted(slots) if (number + 1) * SLOT_MICROSECONDS <= watermark]
        retired += [(self.batches, name) for slot in closed for name in slot.names]
        days, since, unneeded = self._looked_back_on(closed, watermark, delay, lookback, store)
        retired += [(self.batches, name) for name in unneeded]
        for _, name in (old for old in retired if old[0] < self.batches - RETIRED_BATCHES):
            store.delete(name)
        return replace(
            self,
            batches=self.batches + 1,
            max_event_time=newest,
            slots=tuple(slots[number] for number in sorted(slots)),
            retired=tuple(old for old in retired if old[0] >= self.batches - RETIRED_BATCHES),
            days=days,
            complete_since=since,
        )

    def _looked_back_on(
        self, closed: list[Slot], watermark: int, delay: int, lookback: int, store: SegmentStore
    ) -> tuple[tuple[Slot, ...], int, list[str]]:
        """The days after a batch, since when they are complete, and the segments that they no longer need."""
        since, unneeded = self.complete_since, list[str]()
        if since is None:
            # Code that kept no days has forgotten what was before its last watermark.
            since = max(self.max_event_time - delay, NOTHING_SEEN)
        days, closed_by_day = {day.number: day for day in self.days}, _by_day(closed)
        if not lookback and closed:
            since = max(since, watermark)
        for number in [n for n in {*days, *closed_by_day} if _end_of(n) <= watermark - lookback]:
            closed_by_day.pop(number, None)
            unneeded += days.pop(number).names if number in days else ()
            since = max(since, _end_of(number))
        for number, slots in closed_by_day.items() if lookback else ():
            days[number], merged = gathered(days.get(number, Slot(number)), keys_in(slots, store), store)
            unneeded += merged
        return tuple(days[number] for number in sorted(days)), since, unneeded


def _by_day(slots: Iterable[Slot]) -> dict[int, list[Slot]]:
    days: dict[int, list[Slot]] = {}
    for slot in slots:
        days.setdefault(slot.number * SLOT_MICROSECONDS // DAY_MICROSECONDS, []).append(slot)
    return days


def _end_of(day: int) -> int:
    return (day + 1) * DAY_MICROSECONDS


def _has(slot: Slot, keys: Keys, store: SegmentStore) -> npt.NDArray[np.bool_]:
    found = among(keys, slot.newest) if slot.tail else np.zeros(len(keys), dtype=bool)
    for name in slot.names:
        found |= store.read(name).has(keys)
    return found
