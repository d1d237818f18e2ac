"""Programs of other languages that tests start: where they are, once built (deploy/tools.sh, tests/cluster/tools.sh).

Belongs here: finding them. Does not belong here: building and starting them.
"""

import os
import shutil
from pathlib import Path

TOOLS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "payments-tools"
OBJECT_STORE = "fake-gcs-server"
NO_OBJECT_STORE = f"{OBJECT_STORE} is missing: run tests/cluster/tools.sh where Go is"


def find(tool: str) -> Path | None:
    """On PATH, of those that were built, or where Go installs; None where there is none."""
    places = (None, str(TOOLS), str(Path.home() / "go" / "bin"))
    return next((Path(found).resolve() for path in places if (found := shutil.which(tool, path=path))), None)
