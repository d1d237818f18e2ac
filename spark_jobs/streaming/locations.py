"""The folders of one checkpoint generation.

Belongs here: names of folders and files. Does not belong here: what is in them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class Locations:
    """Where one checkpoint generation keeps things; all are folder URIs."""

    checkpoint: str
    staging: str

    @property
    def spark(self) -> str:
        """Spark's own checkpoint."""
        return f"{self.checkpoint}/spark"

    def segments(self, bucket: int) -> str:
        """Segment files of one bucket."""
        return f"{self.checkpoint}/segments/{bucket}"

    def carried(self, batch_id: int) -> str:
        """How far event time has come before one of Spark's batches."""
        return f"{self.checkpoint}/carried/{batch_id}"

    def seed(self, bucket: int) -> str:
        """The state that a bucket starts from, where the generation was rebuilt from the warehouse."""
        return f"{self.checkpoint}/seed/{bucket}.state"
