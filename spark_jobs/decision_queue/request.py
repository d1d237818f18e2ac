"""A requested decision, and how far it has come. Pure Python.

Belongs here: kinds, their arguments, what outcomes add up to. Does not belong here: SQL (queue_table).
"""

import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from spark_jobs.corrections.kept_records import Selection
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.request_tables import State
from spark_jobs.warehouse.job_labels import Work


class Kind(StrEnum):
    """What may be asked for."""

    LATE = "LATE"
    RESOLVE = "RESOLVE"
    BACKFILL = "BACKFILL"
    ERASURE = "ERASURE"

    @property
    def work(self) -> Work:
        """What its jobs are labelled with."""
        return Work.ERASURE if self is Kind.ERASURE else Work.DECISION


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked for. `arguments` are None where what they named is erased."""

    kind: Kind
    arguments: Mapping[str, Any] | None
    requested_by: str
    reason: str
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Request":
        """From a row of decision_requests."""
        reported = row["arguments"]
        arguments = None if reported is None else json.loads(reported)
        return cls(Kind(row["kind"]), arguments, row["requested_by"], row["reason"], row["request_id"])


@dataclass(frozen=True, slots=True)
class Progress:
    """What the rows of decision_outcomes of one request come to.

    `state` is that of the last one; PORTION before the first. `decided` counts rows of all portions, `kinds` and
    `money` are those of corrections: records, and records and minor units by currency. `why_not` is empty but for what
    was refused, or failed.
    """

    state: State = State.PORTION
    portions: int = 0
    decided: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    money: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    why_not: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state is not State.PORTION

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> "Progress":
        """From the request's rows, in order of their portions."""
        kinds: Counter[str] = Counter()
        money: dict[str, tuple[int, int]] = {}
        for row in rows:
            if row["state"] in (State.PORTION, State.DONE):
                reported = json.loads(row["detail"])
                kinds.update(reported.get("kinds", {}))
                for currency, (records, minor) in reported.get("money", {}).items():
                    before = money.get(currency, (0, 0))
                    money[currency] = (before[0] + records, before[1] + minor)
        state = State(rows[-1]["state"]) if rows else State.PORTION
        why_not = rows[-1]["detail"] if state in (State.REFUSED, State.FAILED) else ""
        return cls(state, len(rows), sum(row["decided"] for row in rows), kinds, money, why_not)


def late_arguments(selection: Selection, kind: Correction) -> dict[str, Any]:
    """Of a request to admit or reject late payments."""
    return {
        "kind": str(kind),
        "partition": selection.partition,
        "since": selection.since.isoformat() if selection.since else None,
        "until": selection.until.isoformat() if selection.until else None,
        "limit": selection.limit,
    }


def late_selection(arguments: Mapping[str, Any], decided: int) -> tuple[Selection, Correction]:
    """What is left of it, once so many are decided."""
    since, until = (arguments[name] and datetime.fromisoformat(arguments[name]) for name in ("since", "until"))
    limit = arguments["limit"] - decided
    return Selection(arguments["partition"], since, until, None, limit), Correction(arguments["kind"])
