"""The look-back's ids from one checkpoint generation to the next: which segment files they are in.

Belongs here: the file that names them, and sweeping what it does not name. Does not belong here: growing and probing
them (deduplication). Each run writes it when it has changed; a new generation begins with what it says. Where it is
lost, or a file that it names is, the days before the new generation are searched in the warehouse instead.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
import pyarrow.fs as pafs

from spark_jobs.deduplication.buckets import labels_of
from spark_jobs.deduplication.checksums import Damaged, seal, unseal
from spark_jobs.deduplication.segment_files import DAYS, open_segments, segment_cache
from spark_jobs.deduplication.slots import Slot
from spark_jobs.file_systems import place
from spark_jobs.streaming.locations import Locations


class KeptDays(msgspec.Struct, frozen=True):
    """The days of every bucket, by its label: all ids published by the stream, of event times in between.

    `complete_since` and `closed_until` are microseconds since 1970.
    """

    buckets: int
    complete_since: int
    closed_until: int
    days: Mapping[int, tuple[Slot, ...]]


def write_kept(locations: Locations, kept: KeptDays) -> None:
    """Replace the file."""
    filesystem, path = place(locations.kept_days)
    filesystem.create_dir(path.rpartition("/")[0], recursive=True)
    unnamed = f"{path}.new"
    with filesystem.open_output_stream(unnamed) as stream:
        stream.write(seal(msgspec.json.encode(kept)))
    filesystem.move(unnamed, path)


def read_kept(locations: Locations, buckets: int) -> KeptDays | None:
    """What the file says, if it is of as many buckets, and every segment is there and is what was written."""
    filesystem, path = place(locations.kept_days)
    if filesystem.get_file_info(path).type != pafs.FileType.File:
        return None
    with filesystem.open_input_stream(path) as stream:
        content = stream.read()
    try:
        kept = msgspec.json.decode(unseal(content, "the list of kept days"), type=KeptDays)
        if kept.buckets != buckets:
            return None
        for label, days in kept.days.items():
            store = open_segments(locations.day_segments(label), segment_cache(), DAYS)
            for name in _names(days):
                store.check(name)
    except (Damaged, msgspec.MsgspecError):
        return None
    return kept


def sweep_kept(locations: Locations, buckets: int, before: datetime) -> None:
    """Delete segments that the file does not name, and that were last written before then.

    For a new generation only: an older one may go back to what it no longer names.
    """
    kept = read_kept(locations, buckets)
    named = {name for days in kept.days.values() for name in _names(days)} if kept else set()
    for label in labels_of(buckets):
        filesystem, folder = place(locations.day_segments(label))
        for found in filesystem.get_file_info(pafs.FileSelector(folder, allow_not_found=True)):
            if found.base_name not in named and found.mtime and found.mtime < before:
                filesystem.delete_file(found.path)


def _names(days: Iterable[Slot]) -> list[str]:
    return [name for day in days for name in day.names]
