"""The ledger of notifications, as a file in the home: what was told is not told again after a restart.

Belongs here: reading and replacing the file. Does not belong here: what is in it (ledger).
"""

import json
import os
from dataclasses import asdict
from pathlib import Path

from orchestration.notifications.ledger import Ledger, Message, Told, Waiting


def path_of(home: Path) -> Path:
    """Where it lies."""
    return home / "notifications" / "ledger.json"


def keep(home: Path, ledger: Ledger) -> None:
    """Replace the file, whole or not at all, and on the disk before it counts."""
    path = path_of(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    with scratch.open("w", encoding="utf-8") as file:
        json.dump(asdict(ledger), file)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def kept(home: Path) -> Ledger:
    """The ledger; an empty one where there is none, or one that this version does not understand."""
    try:
        data = json.loads(path_of(home).read_text(encoding="utf-8"))
        return Ledger(
            firing={name: Told(**told) for name, told in data["firing"].items()},
            waiting=tuple(
                Waiting(each["channel"], Message(**each["message"]), each["tries"]) for each in data["waiting"]
            ),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Ledger()
