"""Seeds of the deduplication's state: what a new checkpoint knows before its first batch.

Belongs here: writing a bucket's seed and reading it. Does not belong here: where the ids come from (sinks).
"""

from collections.abc import Iterable
from datetime import datetime

import numpy as np
import pyarrow.fs as pafs

from spark_jobs.contract.payment_event import WATERMARK_MICROSECONDS
from spark_jobs.contract.times import to_microseconds
from spark_jobs.deduplication.buckets import buckets_of, labels_of
from spark_jobs.deduplication.checksums import seal, unseal
from spark_jobs.deduplication.id_keys import keys_of
from spark_jobs.deduplication.segment_files import open_segments, segment_cache
from spark_jobs.deduplication.state import SLOT_MICROSECONDS, DedupState
from spark_jobs.file_systems import place
from spark_jobs.streaming.locations import Locations


def write_seeds(
    published: Iterable[tuple[int, bytes]],
    buckets: int,
    watermark: datetime | None,
    locations: Locations,
    delay: int = WATERMARK_MICROSECONDS,
) -> int:
    """Write each bucket's seed from slots with the concatenated 16-byte hashes of ids. Returns how many there are.

    `delay` is how far the watermark trails the greatest event_time, in microseconds. Where it is another than the one
    that the watermark was made by, the watermark stays as it is until newer events move it.
    """
    max_event_time = (to_microseconds(watermark) or 0) + delay
    labels = labels_of(buckets)
    states = {label: DedupState(max_event_time=max_event_time) for label in labels}
    stores = {label: open_segments(locations.segments(label), segment_cache()) for label in labels}
    total = 0
    for slot, hashes in published:
        keys = keys_of(hashes)
        number_of = buckets_of(hashes, np.ones(len(keys), dtype=bool), buckets)
        event_times = np.full(len(keys), slot * SLOT_MICROSECONDS, dtype=np.int64)
        for number, label in enumerate(labels):
            mine = number_of == number
            seen = keys[mine], event_times[mine]
            states[label] = states[label].advance(*seen, max_event_time, delay, stores[label])
        total += len(keys)
    for label, state in states.items():
        filesystem, path = place(locations.seed(label))
        filesystem.create_dir(path.rpartition("/")[0], recursive=True)
        with filesystem.open_output_stream(path) as stream:
            stream.write(seal(state.encode()))
    return total


def read_seed(uri: str) -> DedupState:
    """The state that a seed holds; an empty one where there is no seed."""
    filesystem, path = place(uri)
    if filesystem.get_file_info(path).type == pafs.FileType.NotFound:
        return DedupState()
    with filesystem.open_input_stream(path) as stream:
        return DedupState.decode(unseal(stream.read(), f"the seed {path}"))
