"""Small files of the home that outlive the process: each is replaced whole or not at all.

Belongs here: replacing one, and reading it back. Does not belong here: what is in it (dashboard, notifications).
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def keep_json(path: Path, content: object, *, on_disk: bool = False) -> None:
    """Replace the file; `on_disk`: it lies on the disk before it counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".new")
    with scratch.open("w", encoding="utf-8") as file:
        json.dump(content, file)
        if on_disk:
            file.flush()
            os.fsync(file.fileno())
    scratch.replace(path)


def kept_json[Kept](path: Path, understood: Callable[[Any], Kept]) -> Kept | None:
    """What `understood` makes of the file; None where there is none, or one that this version does not understand."""
    try:
        return understood(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
