"""The folders of one checkpoint generation.

Belongs here: names of folders and files. Does not belong here: what is in them.
"""

from dataclasses import dataclass

from spark_jobs.deduplication.segment_copies import DEFAULT_MOST_MB, SegmentCopies, copies_of_this_machine


@dataclass(frozen=True, slots=True)
class Locations:
    """Where one checkpoint generation keeps things; all are folder URIs.

    `kept` is what outlives a generation: the next one takes it over. By default it is a part of it. `copies_mb` is how
    much a machine may keep of what it has read from an object store.
    """

    checkpoint: str
    staging: str
    kept: str = ""
    copies_mb: int = DEFAULT_MOST_MB

    @property
    def copies(self) -> SegmentCopies:
        """This machine's copies of segments."""
        return copies_of_this_machine(self.copies_mb)

    @property
    def spark(self) -> str:
        """Spark's own checkpoint."""
        return f"{self.checkpoint}/spark"

    def segments(self, bucket: int) -> str:
        """Segment files of one bucket."""
        return f"{self.checkpoint}/segments/{bucket}"

    def day_segments(self, bucket: int) -> str:
        """Segment files of one bucket's look-back."""
        return f"{self._kept}/{bucket}"

    @property
    def kept_days(self) -> str:
        """The file that names the segments of the look-back."""
        return f"{self._kept}/days.json"

    @property
    def _kept(self) -> str:
        return self.kept or f"{self.checkpoint}/kept"

    def carried(self, batch_id: int) -> str:
        """How far event time has come before one of Spark's batches."""
        return f"{self.checkpoint}/carried/{batch_id}"

    def seed(self, bucket: int) -> str:
        """The state that a bucket starts from, where the generation was rebuilt from the warehouse."""
        return f"{self.checkpoint}/seed/{bucket}.state"
