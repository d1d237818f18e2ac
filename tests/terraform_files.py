"""deploy/terraform as Python reads it.

Belongs here: parsing, and the table of grants. Does not belong here: what must hold of it (architecture).
"""

from pathlib import Path
from typing import Any

import hcl2

from tests.cloud_permissions import PERMISSIONS

TERRAFORM = Path(__file__).parents[1] / "deploy" / "terraform"


def parsed(path: Path) -> dict[str, Any]:
    """A file's blocks."""
    with path.open() as file:
        tree: dict[str, Any] = _bare(hcl2.load(file))
    return tree


def grants() -> dict[str, dict[str, Any]]:
    """Who may do what, by name."""
    [local] = parsed(TERRAFORM / "modules" / "access" / "access.tf")["locals"]
    found: dict[str, dict[str, Any]] = local["grants"]
    return found


def permissions_of(who: str, on: str | None = None) -> frozenset[str]:
    """All that somebody may do, anywhere or on one thing: a layer, a bucket, the project."""
    mine = (grant for grant in grants().values() if grant["who"] == who and on in (None, grant["on"]))
    return frozenset().union(*(PERMISSIONS[grant["role"]] for grant in mine))


def _bare(value: Any) -> Any:
    # hcl2 keeps a text's quotation marks.
    if isinstance(value, dict):
        return {str(_bare(key)): _bare(each) for key, each in value.items() if key != "__is_block__"}
    if isinstance(value, list):
        return [_bare(each) for each in value]
    return value[1:-1] if isinstance(value, str) and value[:1] == value[-1:] == '"' else value
