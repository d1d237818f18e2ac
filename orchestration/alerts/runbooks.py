"""Where the runbook of an alert is.

Belongs here: its path and address. Does not belong here: what it says (docs/runbooks).
"""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs/runbooks"
IN_THE_REPOSITORY = "docs/runbooks/"


def runbook_of(name: str, base: str = "") -> str:
    """The address of an alert's runbook below `base`; without one its path in the repository."""
    return f"{base.rstrip('/')}/{name}.md" if base else f"{IN_THE_REPOSITORY}{name}.md"
