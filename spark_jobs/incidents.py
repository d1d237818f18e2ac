"""What stops a run on purpose: one exception, one line, with what to do.

Belongs here: the exception and the kinds of incident. Does not belong here: how one is detected.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


class IncidentKind(StrEnum):
    """What happened. The name is stable: it is what an operator searches for.

    CHECKPOINT_UNUSABLE alone stops nothing: the run goes on with one rebuilt from the warehouse.
    """

    FENCED = "FENCED"
    OFFSETS_LOST = "OFFSETS_LOST"
    TOPIC_RECREATED = "TOPIC_RECREATED"
    TOPIC_MISSING = "TOPIC_MISSING"
    OFFSET_GAP = "OFFSET_GAP"
    CHECKPOINT_UNUSABLE = "CHECKPOINT_UNUSABLE"
    LOAD_FAILED = "LOAD_FAILED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    WAREHOUSE_FAILED = "WAREHOUSE_FAILED"
    DELTA_FAILED = "DELTA_FAILED"
    SCHEMA_VERSION = "SCHEMA_VERSION"
    SCHEMA_REGISTRY_FAILED = "SCHEMA_REGISTRY_FAILED"
    TIMESTAMP_UNREADABLE = "TIMESTAMP_UNREADABLE"


class Incident(RuntimeError):
    """A run stops rather than guess. `str()` is one line: the kind, what was seen, what to do.

    `ranges` are the offsets that it is about, by partition: first, and the one after the last.
    """

    def __init__(self, kind: IncidentKind, message: str, ranges: Mapping[int, tuple[int, int]] | None = None) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.ranges = dict(ranges or {})


class CheckpointUnusable(RuntimeError):
    """The checkpoint cannot be gone on with; the warehouse can rebuild it. The message says why in one line."""


LONGEST_MESSAGE = 300


def one_line(error: Exception) -> str:
    """What happened, without the client's own wrapping."""
    error = getattr(error, "cause", None) or error
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    return str(text).partition("\n")[0][:LONGEST_MESSAGE]
