"""Spark's checkpoint, read from outside: which offsets a batch spans, whether it fits the warehouse.

Belongs here: the layout of a generation's folder and of Spark's offset log. Does not belong here: what to do about a
checkpoint that does not fit (run, generations).
"""

import json
import re
from datetime import datetime
from functools import lru_cache

import pyarrow.fs as pafs

from spark_jobs.contract.times import from_microseconds
from spark_jobs.deduplication.checksums import Damaged
from spark_jobs.driver.spark_version import spark_version
from spark_jobs.file_systems import place, write_file
from spark_jobs.incidents import CheckpointUnusable
from spark_jobs.publishing.batch import Interval
from spark_jobs.streaming.locations import Locations

FORMAT = 4
"""Raised by every change of the plan or of the state's form: older checkpoints are then rebuilt, never misread."""

_START = "start.json"
_BATCH_FILE = re.compile(r"[0-9]+")
_SIGNS_OF_DAMAGE = (
    f"{Damaged.__module__}.{Damaged.__qualname__}",
    "CANNOT_LOAD_STATE_STORE",
    "MISSING_STATE_DIRECTORY",
    "CHECKPOINT_FILE_CHECKSUM_VERIFICATION_FAILED",
    "ChecksumException",
    # Where Spark was when it read what it cannot make sense of.
    "Log.deserialize(",
    "OffsetWriter.deserialize(",
    "StreamMetadata$.read(",
)


class Checkpoint:
    """One generation's folder. `buckets` is how many the deduplication state is split into."""

    def __init__(self, locations: Locations, topic: str, buckets: int) -> None:
        self._topic = topic
        self._made_by = f"format {FORMAT}, {buckets} buckets, Spark {spark_version()}"
        self._uri = locations.checkpoint
        self._filesystem, self._folder = place(self._uri)
        self._is_local = isinstance(self._filesystem, pafs.LocalFileSystem)
        # Both are written once. A batch is asked for with the one before it, and more than once.
        self._start = lru_cache(1)(self._read_start)
        self._plan = lru_cache(2)(self._read_plan)

    def exists(self) -> bool:
        """Whether the generation was ever begun here."""
        return self._is_file(_START)

    def begin(self, start: dict[int, int]) -> None:
        """Make the folder and note where the generation's first batch starts."""
        noted = {"made_by": self._made_by, "topic": self._topic, "offsets": start}
        write_file(f"{self._uri}/{_START}", json.dumps(noted, sort_keys=True).encode())

    def interval(self, batch_id: int) -> Interval:
        """The offsets of a batch that Spark has planned."""
        end = self._offsets(batch_id)
        before = self._offsets(batch_id - 1) if batch_id else self.start()
        return Interval({partition: before.get(partition, 0) for partition in end}, end)

    def clock(self, batch_id: int) -> datetime | None:
        """When Spark planned the batch: what its records were judged by. A replayed batch has the same."""
        try:
            milliseconds = int(json.loads(self._plan(batch_id)[1])["batchTimestampMs"])
        except (IndexError, KeyError, ValueError, TypeError) as error:
            raise CheckpointUnusable(f"its offset log {batch_id} cannot be read.") from error
        return from_microseconds(milliseconds * 1_000)

    def start(self) -> dict[int, int]:
        """Where the generation's first batch starts."""
        return self._start()

    def _read_start(self) -> dict[int, int]:
        try:
            noted = json.loads(self._read(_START))
            made_by, topic = noted["made_by"], noted["topic"]
            offsets = {int(partition): int(offset) for partition, offset in noted["offsets"].items()}
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise CheckpointUnusable(f"its file {_START} cannot be read.") from error
        if (made_by, topic) != (self._made_by, self._topic):
            raise CheckpointUnusable(f"it was made by {made_by} for {topic!r}; this is {self._made_by}.")
        return offsets

    def check(self, published: dict[int, int]) -> None:
        """Make sure that Spark will go on from `published`, or replay the one batch that led there.

        Raises:
            CheckpointUnusable: it would skip or repeat something.
        """
        start = self.start()
        planned, committed = self._newest("offsets"), self._newest("commits")
        if planned is None:
            reached = [start]
        elif planned == committed:
            reached = [self._offsets(planned)]
        elif planned == (0 if committed is None else committed + 1):
            reached = [self._offsets(planned), start if committed is None else self._offsets(committed)]
        else:
            raise CheckpointUnusable(f"batch {planned} is planned but the newest committed one is {committed}.")
        if not any(_equal(offsets, published) for offsets in reached):
            raise CheckpointUnusable(f"it stands at {reached[-1]}, the warehouse at {published}.")

    def _offsets(self, batch_id: int) -> dict[int, int]:
        try:
            return {int(p): offset for p, offset in json.loads(self._plan(batch_id)[2])[self._topic].items()}
        except (IndexError, KeyError, ValueError, AttributeError, TypeError) as error:
            raise CheckpointUnusable(f"its offset log {batch_id} cannot be read.") from error

    def _read_plan(self, batch_id: int) -> list[str]:
        """Spark's log of a batch: its version, the metadata, the one source's offsets."""
        return self._read(f"spark/offsets/{batch_id}").splitlines()

    def _newest(self, log: str) -> int | None:
        selector = pafs.FileSelector(f"{self._folder}/spark/{log}", allow_not_found=True)
        names = [info.base_name for info in self._filesystem.get_file_info(selector)]
        return max((int(name) for name in names if _BATCH_FILE.fullmatch(name)), default=None)

    def _is_file(self, name: str) -> bool:
        info = self._filesystem.get_file_info(f"{self._folder}/{name}")
        return bool(info.type == pafs.FileType.File)

    def _read(self, name: str) -> str:
        try:
            with self._filesystem.open_input_stream(f"{self._folder}/{name}") as stream:
                return str(stream.read(), "utf-8")
        except (OSError, UnicodeDecodeError) as error:
            if not self._is_local and isinstance(error, OSError) and not isinstance(error, FileNotFoundError):
                # An object store that is away says nothing of what it holds.
                raise
            raise CheckpointUnusable(f"its file {name} cannot be read.") from error


def is_damage(error: BaseException) -> bool:
    """Whether a query failed for what its checkpoint holds, and not for what it read or published."""
    # Of Spark's errors the Java stack says where they come from.
    message = f"{error}\n{getattr(error, '_stackTrace', '')}"
    return any(sign in message for sign in _SIGNS_OF_DAMAGE)


def _equal(left: dict[int, int], right: dict[int, int]) -> bool:
    return all(left.get(partition, 0) == right.get(partition, 0) for partition in left.keys() | right.keys())
