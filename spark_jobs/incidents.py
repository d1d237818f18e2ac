"""What stops a run on purpose: one exception, one line, with what to do.

Belongs here: the exception and the kinds of incident. Does not belong here: how one is detected.
"""

import re
from collections.abc import Mapping
from enum import StrEnum


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
_REQUEST = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE) https?://\S+: ")


def one_line(error: Exception) -> str:
    """What happened, without the client's own wrapping and without the request."""
    from urllib3.exceptions import PoolError

    error = getattr(error, "cause", None) or error
    # Where a server does not answer, requests tells of urllib3's pool instead. An object of the JVM among the arguments
    # claims to have any attribute whatever, so the type is asked.
    pool = next((inner.pool for inner in error.args if isinstance(inner, PoolError)), None)
    if pool is not None:
        return f"no answer from {pool.host}:{pool.port}"
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    return _REQUEST.sub("", str(text), count=1).partition("\n")[0][:LONGEST_MESSAGE]
