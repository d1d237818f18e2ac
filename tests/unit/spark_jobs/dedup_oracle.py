"""The rules of deduplication a second time, as a dict of ids, and segments kept in memory.

Belongs here: the oracle, and taking a batch through the code under test. Does not belong here: judging.
"""

from dataclasses import dataclass, field

import numpy as np

from spark_jobs.deduplication.dispositions import DISPOSITIONS, Candidates, tag
from spark_jobs.deduplication.id_keys import KEY, Keys, PackedKeys
from spark_jobs.deduplication.state import NOTHING_SEEN, SLOT_MICROSECONDS, DedupState

SLOT = SLOT_MICROSECONDS
DELAY = 4 * SLOT


@dataclass(frozen=True)
class Delivery:
    """One record; `event_time` is None where it is not a valid payment, `is_ignored` only there."""

    id: int
    event_time: int | None
    partition: int = 0
    offset: int = 0
    is_ignored: bool = False


@dataclass
class Oracle:
    """The rules once more: a dict of ids, one record after the other."""

    seen: dict[int, int] = field(default_factory=dict)
    newest: int | None = None

    def take(self, batch: list[Delivery]) -> list[str]:
        """The dispositions of a batch."""
        watermark = None if self.newest is None else self.newest - DELAY
        winners: dict[int, Delivery] = {}
        for d in batch:
            if d.event_time is None or d.id in self.seen or (watermark is not None and d.event_time < watermark):
                continue
            winners[d.id] = min(winners.get(d.id, d), d, key=lambda x: (x.event_time, x.partition, x.offset))
        tags = [self._tag(d, winners, watermark) for d in batch]
        self.seen |= {i: d.event_time for i, d in winners.items() if d.event_time is not None}
        times = [d.event_time for d in batch if d.event_time is not None]
        self.newest = max([*times, *([] if self.newest is None else [self.newest])], default=None)
        if self.newest is not None:
            passed = self.newest - DELAY
            self.seen = {i: at for i, at in self.seen.items() if (at // SLOT + 1) * SLOT > passed}
        return tags

    def _tag(self, d: Delivery, winners: dict[int, Delivery], watermark: int | None) -> str:
        if d.event_time is None:
            return "IGNORED" if d.is_ignored else "QUARANTINED"
        if winners.get(d.id) is d:
            return "UNIQUE"
        if d.id in self.seen or d.id in winners or watermark is None or d.event_time >= watermark:
            return "DUPLICATE"
        return "LATE"


class Memory:
    """Segments in memory: one that was deleted cannot be read."""

    def __init__(self) -> None:
        self.segments: dict[str, PackedKeys] = {}
        self.written = 0

    def write(self, keys: Keys, *, is_filtered: bool = False) -> str:
        """Keep sorted keys."""
        assert keys.tolist() == sorted(keys.tolist()), "a segment has to be sorted"
        self.written += 1
        self.segments[str(self.written)] = PackedKeys.of(keys, is_filtered=is_filtered)
        return str(self.written)

    def check(self, name: str) -> None:
        """Nothing is damaged."""
        assert name in self.segments

    def read(self, name: str) -> PackedKeys:
        """Keys of a segment."""
        return self.segments[name]

    def delete(self, name: str) -> None:
        """Forget a segment."""
        self.segments.pop(name, None)


def key(number: int) -> tuple[int, int]:
    """A key for an id: many ids share their high 64 bits."""
    return ([0, 7, 2**64 - 1][number % 3], number)


def candidates(batch: list[Delivery]) -> Candidates:
    return Candidates(
        keys=np.array([key(d.id) for d in batch], KEY),
        is_valid=np.array([d.event_time is not None for d in batch], bool),
        is_ignored=np.array([d.is_ignored for d in batch], bool),
        event_time=np.array([d.event_time or 0 for d in batch], np.int64),
        partition=np.array([d.partition for d in batch], np.int32),
        offset=np.array([d.offset for d in batch], np.int64),
    )


def take(state: DedupState, batch: list[Delivery], store: Memory, lookback: int = 0) -> tuple[list[str], DedupState]:
    newest = max((d.event_time for d in batch if d.event_time is not None), default=NOTHING_SEEN)
    dispositions, after = tag(candidates(batch), state, newest, DELAY, store, lookback)
    return [DISPOSITIONS[index].value for index in dispositions], after


def remembered(state: DedupState, store: Memory, ids: int = 40) -> set[int]:
    keys = np.array([key(number) for number in range(ids)], KEY)
    return set(np.flatnonzero(state.contains(keys, store)).tolist())
