"""How many rows a statement wrote is compared without a query. Runs in the warehouse's environment, as the server does.

Belongs here: assertions about @@row_count. Does not belong here: other conditions. The number is
known, and so is what it is compared with; local-bigquery translates and runs a query to compare them.

Without it the server's CPU time is
+16 % for a small batch, +46 % for a large one, +1 % for a dbt build
(`make bench-patches`).
"""

import re
from typing import Any

REPLACES = {
    "local_bigquery.sql.script:Interpreter.test": "db3aa73a1688",
}
_COUNTED = re.compile(r"@@row_count = (?:@(\w+)|(\d+))")


def install() -> None:
    """Put it in place; before the server starts."""
    from local_bigquery.sql import script

    test = script.Interpreter.test

    def test_at_once(interpreter: Any, condition: str) -> bool:
        found, count = _COUNTED.fullmatch(condition.strip()), interpreter.context.system.get("row_count")
        wanted = str(found and (found[2] or interpreter.context.values.get(found[1])))
        if count is not None and wanted.isdecimal():
            return bool(count == int(wanted))
        return bool(test(interpreter, condition))

    script.Interpreter.test = test_at_once
