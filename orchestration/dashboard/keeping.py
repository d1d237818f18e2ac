"""The last known snapshot, as a file in the home: what the page shows while everything else is down.

Belongs here: where it lies. Does not belong here: how it is replaced (kept_files), what is in it (model).
"""

from pathlib import Path

from orchestration.dashboard.model import Snapshot, from_json, to_json
from orchestration.kept_files import keep_json, kept_json


def path_of(home: Path) -> Path:
    """Where it lies."""
    return home / "dashboard" / "snapshot.json"


def keep(home: Path, snapshot: Snapshot) -> None:
    """Replace the file, whole or not at all."""
    keep_json(path_of(home), to_json(snapshot))


def kept(home: Path) -> Snapshot | None:
    """The snapshot; None where there is none, or one that this version does not understand."""
    return kept_json(path_of(home), from_json)
