"""What BigQuery's documentation says of concurrent transactions, for a warehouse that has no such refusal.

Belongs here: which statements change which tables, who is cancelled and who waits, latency. Does not belong here:
forwarding (proxy). Of two transactions that change or delete rows of one table the later is cancelled; a statement
outside of a transaction waits for its turn; reads and appends meet nobody.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_CHANGES = re.compile(r"\b(?:update|delete\s+from|merge(?:\s+into)?|truncate\s+table)\s+`([^`]+)`", re.IGNORECASE)
_WAIT_SECONDS = 60


def changed_tables(sql: str) -> frozenset[str]:
    """The tables whose rows a script changes or deletes, as BigQuery names them in its messages."""
    return frozenset(name.replace(".", ":", 1) for name in _CHANGES.findall(sql))


def is_transaction(sql: str) -> bool:
    """Whether it is a transaction of several statements."""
    return bool(re.match(r"\s*(?:declare\b.*?;\s*)*begin\s+transaction", sql, re.IGNORECASE | re.DOTALL))


def sql_of(body: bytes) -> str | None:
    """The statement that a request asks for; None where it is about something else."""
    try:
        asked: Any = json.loads(body)
        found = asked["configuration"]["query"]["query"] if "configuration" in asked else asked["query"]
    except (ValueError, KeyError, TypeError):
        return None
    return str(found)


def refusal(table: str) -> dict[str, Any]:
    """The error of a cancelled transaction."""
    message = f"Transaction is aborted due to concurrent update against table {table}. Transaction ID: made-up-0000"
    return {"reason": "invalidQuery", "message": message, "location": "query"}


@dataclass
class Concurrency:
    """Who changes what at the moment. Each statement takes `seconds_a_statement`, for which its tables are held."""

    seconds_a_statement: float = 0.0
    cancelled: list[str] = field(default_factory=list)
    _held: set[str] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def changing(self, sql: str) -> Iterator[str | None]:
        """While a script changes its tables; gives the table for which it is cancelled, where it is."""
        tables = changed_tables(sql)
        with self._changed:
            if is_transaction(sql) and (met := sorted(tables & self._held)):
                self.cancelled.append(met[0])
                self._changed.notify_all()
                refused: str | None = met[0]
            else:
                assert self._changed.wait_for(lambda: not tables & self._held, _WAIT_SECONDS)
                self._held |= tables
                refused = None
        try:
            yield refused
            if refused is None:
                threading.Event().wait(self.seconds_a_statement * max(1, sql.count(";")))
        finally:
            if refused is None:
                with self._changed:
                    self._held -= tables
                    self._changed.notify_all()

    def wait_until_cancelled(self, times: int = 1) -> None:
        """Until so many transactions were."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.cancelled) >= times, _WAIT_SECONDS)
