"""The last known snapshot, as a file in the home: what the page shows while everything else is down.

Belongs here: reading and replacing the file. Does not belong here: what is in it (model).
"""

import json
from pathlib import Path

from orchestration.dashboard.model import Snapshot, from_json, to_json


def path_of(home: Path) -> Path:
    """Where it lies."""
    return home / "dashboard" / "snapshot.json"


def keep(home: Path, snapshot: Snapshot) -> None:
    """Replace the file, whole or not at all."""
    path = path_of(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps(to_json(snapshot)), encoding="utf-8")
    scratch.replace(path)


def kept(home: Path) -> Snapshot | None:
    """The snapshot; None where there is none, or one that this version does not understand."""
    try:
        return from_json(json.loads(path_of(home).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
