"""How far event time has come for a batch: what the store says before it, handed to the tasks that judge lateness.

Belongs here: the file, and how far a batch moves it. Does not belong here: judging by it (deduplication). The store
decides, and a file of the checkpoint says it by Spark's number of the batch: a batch that is replayed finds the same.
"""

from collections.abc import Mapping

from spark_jobs.deduplication.state import NOTHING_SEEN
from spark_jobs.file_systems import delete_files, read_file, write_file
from spark_jobs.streaming.locations import Locations

KEPT_BATCHES = 100
"""As many as Spark keeps of its own log."""


def write_carried(locations: Locations, batch_id: int, watermark: int) -> None:
    """Say, before Spark plans the batch, by which watermark it is judged: microseconds, NOTHING_SEEN for none."""
    write_file(locations.carried(batch_id), str(watermark).encode())
    if batch_id >= KEPT_BATCHES:
        delete_files([locations.carried(batch_id - KEPT_BATCHES)])


def read_carried(locations: Locations, batch_id: int) -> int | None:
    """What was said of the batch; None where nothing was, as while a session is warmed up.

    One that was lost does no harm: the state then goes by itself, and the store refuses what it judged otherwise.
    """
    text = read_file(locations.carried(batch_id))
    return None if text is None else int(text)


def newest_after(
    before: int, of_batch: Mapping[int, int], ends: Mapping[int, int], known_ends: Mapping[int, int]
) -> int:
    """Up to which event time the stream has come with a batch: never less than before it.

    The least of the partitions that still have records to be read, so that one which is ahead makes none of the
    others' late. One that is caught up, or idle, holds nothing back: where all are, the greatest counts.

    Args:
        before: what was carried into the batch.
        of_batch: the greatest valid event time of its records, by partition.
        ends: up to where the batch has read, by partition.
        known_ends: up to where there was something to read.
    """
    behind = [partition for partition, end in ends.items() if end < known_ends.get(partition, 0)]
    if behind:
        return max(before, min(of_batch.get(partition, NOTHING_SEEN) for partition in behind))
    return max((before, *of_batch.values()))
