"""pandas is known to be missing. Runs in the warehouse's environment, as the server does.

Belongs here: that nobody looks for it. Does not belong here: anything else. DuckDB would try to import it for each
parameter of each statement, and search the disk where it is not there.

Without it the server's CPU time is
as it will be measured
(`make bench-patches`).
"""

import sys

REPLACES: dict[str, str] = {}


def install() -> None:
    """Put it in place; before the server starts."""
    sys.modules.setdefault("pandas", None)  # type: ignore[arg-type]
