"""Labels of the jobs that we send, so that a bill can be read by what it was for.

Belongs here: which labels there are, and what BigQuery takes as one. Does not belong here: dbt's
(macros/job_comment.sql), putting them on a client (job_limits), reading a bill (orchestration).
"""

import re
from collections.abc import Mapping
from enum import StrEnum

WORK_LABEL = "payments_work"
PIPELINE_LABEL = "payments_pipeline"
MAX_LABEL_CHARACTERS = 63
_NOT_IN_A_LABEL = re.compile(r"[^a-z0-9_-]")


class Work(StrEnum):
    """What a job is for."""

    BATCH = "batch"
    BUILD = "build"
    CHECK = "check"
    REBUILD = "rebuild"
    """A build of everything: the first, and the night's."""
    WATCH = "watch"
    VERIFY = "verify"
    AUDIT = "audit"
    DECISION = "decision"
    ERASURE = "erasure"
    TOTALS = "totals"
    SEAL = "seal"
    PLATFORM = "platform"
    TURN = "turn"
    """The lease of the run at work."""


DBT_WORK = (Work.BUILD, Work.CHECK, Work.REBUILD)
"""What dbt sends is one of these. It has one limit for all of its jobs."""


def labels_of(work: Work, pipeline: str) -> Mapping[str, str]:
    """By name, each as BigQuery takes it."""
    return {WORK_LABEL: sanitized(work), PIPELINE_LABEL: sanitized(pipeline)}


def sanitized(text: str) -> str:
    """A label's value: small letters, digits, _ and -, and no more than BigQuery takes."""
    return _NOT_IN_A_LABEL.sub("_", text.lower())[:MAX_LABEL_CHARACTERS]
