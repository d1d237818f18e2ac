"""The ledger of notifications, as a file in the home: what was told is not told again after a restart.

Belongs here: where it lies, and from JSON back. Does not belong here: how it is replaced (kept_files), what is in it
(ledger).
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from orchestration.kept_files import keep_json, kept_json
from orchestration.notifications.ledger import FiringAlert, Ledger, Message, Waiting


def path_of(home: Path) -> Path:
    """Where it lies."""
    return home / "notifications" / "ledger.json"


def keep(home: Path, ledger: Ledger) -> None:
    """Replace the file, whole or not at all, and on the disk before it counts."""
    keep_json(path_of(home), asdict(ledger), on_disk=True)


def kept(home: Path) -> Ledger:
    """The ledger; an empty one where there is none, or one that this version does not understand."""
    return kept_json(path_of(home), _from_json) or Ledger()


def _from_json(data: Any) -> Ledger:
    waiting = (Waiting(each["channel"], Message(**each["message"]), each["tries"]) for each in data["waiting"])
    return Ledger(firing={name: FiringAlert(**alert) for name, alert in data["firing"].items()}, waiting=tuple(waiting))
