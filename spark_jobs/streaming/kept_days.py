"""The look-back's ids from one checkpoint generation to the next: which segment files they are in.

Belongs here: the file that names them, and sweeping what it does not name. Does not belong here: growing and probing
them (deduplication). Each run writes it when it has changed; a new generation begins with what it says. Where it is
lost, or a file that it names is, the days before the new generation are searched in the warehouse instead.
"""

import contextlib
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
import pyarrow.fs as pafs

from spark_jobs.deduplication.checksums import Damaged, seal, unseal
from spark_jobs.deduplication.id_keys import KEYS_FORMAT
from spark_jobs.deduplication.segment_files import DAYS, open_segments
from spark_jobs.deduplication.slots import Slot
from spark_jobs.file_systems import delete_files, place, read_file, write_file
from spark_jobs.streaming.locations import Locations


class KeptDays(msgspec.Struct, frozen=True):
    """The days of every bucket, by its label: all ids published by the stream, of event times in between.

    `complete_since` and `closed_until` are microseconds since 1970, `format` is KEYS_FORMAT.
    """

    format: int
    buckets: int
    complete_since: int
    closed_until: int
    days: Mapping[int, tuple[Slot, ...]]


def write_kept(locations: Locations, kept: KeptDays) -> None:
    """Replace the file."""
    write_file(locations.kept_days, seal(msgspec.json.encode(kept)))


def read_kept(locations: Locations, buckets: int) -> KeptDays | None:
    """What the file says, if it is of as many buckets, and every segment is there and is what was written."""
    try:
        kept = _listed(locations)
        if kept is None or (kept.format, kept.buckets) != (KEYS_FORMAT, buckets):
            return None
        for label, days in kept.days.items():
            store = open_segments(locations.day_segments(label), locations.copies, DAYS)
            for name in _names(days):
                store.check(name)
    except (Damaged, msgspec.MsgspecError):
        return None
    return kept


def forget_kept(locations: Locations) -> None:
    """Delete the file: a store without a batch has nothing that was published, whatever one of its name had."""
    delete_files([locations.kept_days])


def sweep_kept(locations: Locations, before: datetime) -> None:
    """Delete segments that the file does not name, and that were last written before then.

    For a new generation only: an older one may go back to what it no longer names. Nothing is deleted by a file that
    cannot be read; what cannot be deleted now stays for the next time.
    """
    try:
        kept = _listed(locations)
    except (Damaged, msgspec.MsgspecError):
        return
    named = {name for days in kept.days.values() for name in _names(days)} if kept else set()
    filesystem, folder = place(locations.kept_days.rpartition("/")[0])
    for found in filesystem.get_file_info(pafs.FileSelector(folder, allow_not_found=True, recursive=True)):
        is_segment = found.type == pafs.FileType.File and found.base_name.endswith(DAYS)
        if is_segment and found.base_name not in named and found.mtime and found.mtime < before:
            with contextlib.suppress(OSError):
                filesystem.delete_file(found.path)


def _listed(locations: Locations) -> KeptDays | None:
    listed = read_file(locations.kept_days)
    return None if listed is None else msgspec.json.decode(unseal(listed, "the list of kept days"), type=KeptDays)


def _names(days: Iterable[Slot]) -> list[str]:
    return [name for day in days for name in day.names]
