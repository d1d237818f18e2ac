"""Seeds of the deduplication's state: what a new checkpoint knows before its first batch.

Belongs here: writing a bucket's seed and reading it. Does not belong here: where the ids come from (sinks).
"""

from collections.abc import Iterable
from datetime import datetime

import numpy as np
import numpy.typing as npt

from spark_jobs.contract.payment_event import WATERMARK_MICROSECONDS
from spark_jobs.contract.times import from_microseconds, to_microseconds
from spark_jobs.deduplication.buckets import buckets_of, labels_of
from spark_jobs.deduplication.checksums import seal, unseal
from spark_jobs.deduplication.id_keys import KEY, Keys, keys_of
from spark_jobs.deduplication.segment_files import BucketSegments
from spark_jobs.deduplication.state import SLOT_MICROSECONDS, DedupState
from spark_jobs.file_systems import read_file, write_file
from spark_jobs.streaming.kept_days import KeptDays, read_kept
from spark_jobs.streaming.locations import Locations

MOST_BEHIND = 8 * SLOT_MICROSECONDS
"""Where the kept days end longer before the watermark, they are left: what is in between has to fit into memory."""


def seeded_since(watermark: datetime, kept: KeptDays | None) -> datetime:
    """Since when published ids are needed for seeds, beside those of the kept days."""
    slot_before = (to_microseconds(watermark) or 0) - SLOT_MICROSECONDS
    return from_microseconds(min(slot_before, kept.closed_until) if kept else slot_before) or watermark


def kept_days(locations: Locations, buckets: int, watermark: datetime) -> KeptDays | None:
    """The days that seeds begin with; none where they are lost, or end too long before the watermark."""
    kept = read_kept(locations, buckets)
    return kept if kept and kept.closed_until >= (to_microseconds(watermark) or 0) - MOST_BEHIND else None


def write_seeds(
    published: Iterable[tuple[int, bytes]],
    buckets: int,
    watermark: datetime,
    locations: Locations,
    *,
    delay: int = WATERMARK_MICROSECONDS,
    lookback: int = 0,
    kept: KeptDays | None = None,
) -> int:
    """Write each bucket's seed from slots with the concatenated 16-byte hashes of ids. Returns how many there are.

    `published` are the ids since `seeded_since`. `delay` is how far the watermark trails the greatest event_time, and
    `lookback` for how long before it ids are kept, in microseconds. Where the delay is another than the one that the
    watermark was made by, the watermark stays as it is until newer events move it.
    """
    passed = to_microseconds(watermark) or 0
    labels = labels_of(buckets)
    since, days = (kept.complete_since, kept.days) if kept else (passed, {})
    states = {
        label: DedupState(max_event_time=passed + delay, days=days.get(label, ()), complete_since=since)
        for label in labels
    }
    stores = {
        label: _Undeleted(locations.segments(label), locations.day_segments(label), locations.copies)
        for label in labels
    }
    # Slots that are closed at once: each bucket's together, or every part of one would become a segment.
    closed: dict[int, list[tuple[Keys, npt.NDArray[np.int64]]]] = {label: [] for label in labels}
    total = 0
    for slot, hashes in published:
        keys = keys_of(hashes)
        number_of = buckets_of(hashes, np.ones(len(keys), dtype=bool), buckets)
        event_times = np.full(len(keys), slot * SLOT_MICROSECONDS, dtype=np.int64)
        for number, label in enumerate(labels):
            mine = number_of == number
            seen = keys[mine], event_times[mine]
            if (slot + 1) * SLOT_MICROSECONDS <= passed:
                closed[label].append(seen)
            else:
                states[label] = states[label].advance(*seen, passed + delay, delay, stores[label], lookback)
        total += len(keys)
    for label, parts in closed.items():
        keys = np.concatenate([np.empty(0, KEY), *(keys for keys, _ in parts)])
        event_times = np.concatenate([np.empty(0, np.int64), *(times for _, times in parts)])
        states[label] = states[label].advance(keys, event_times, passed + delay, delay, stores[label], lookback)
    for label, state in states.items():
        write_file(locations.seed(label), seal(state.encode()))
    return total


class _Undeleted(BucketSegments):
    """A bucket's segments, of which none is deleted: the list of kept days names them until the first batch is made."""

    def delete(self, name: str) -> None:
        """Leave it: sweep_kept deletes what nobody names."""


def read_seed(uri: str) -> DedupState:
    """The state that a seed holds; an empty one where there is no seed."""
    written = read_file(uri)
    return DedupState() if written is None else DedupState.decode(unseal(written, f"the seed {uri}"))
