"""The record of who has looked at ids: a line in a file of the home and in the log, before anything is shown.

Belongs here: writing it. Does not belong here: who may look (access). The log leaves the machine by whatever collects
logs; beside both, the queries of a view carry the reader's name as a label, which BigQuery keeps.
"""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from spark_jobs.warehouse.job_labels import sanitized

READER_LABEL = "payments_reader"


def path_of(home: Path) -> Path:
    """Where it lies."""
    return home / "dashboard" / "id_views.jsonl"


def put_on_record(home: Path, reader: str, *, shown_as: str) -> None:
    """One line more, on the disk before this returns.

    Raises:
        OSError: it cannot be written. Nothing may be shown.
    """
    at = datetime.now(UTC).isoformat(timespec="seconds")
    line = json.dumps({"event": "ids_viewed", "reader": reader, "at": at, "shown_as": shown_as})
    path = path_of(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def label_of(reader: str) -> dict[str, str]:
    """The label of the queries of a view."""
    return {READER_LABEL: sanitized(reader)}
