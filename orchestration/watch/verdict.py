"""What the check on pipeline_health says: pure judgement of its rows.

Belongs here: from rows to a verdict. Does not belong here: the rows themselves (dbt's marts), reporting (schedules,
asset_checks).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import dagster as dg

from orchestration.watch.rules import LAG, Observation

FAILING, DEGRADED, HEALTHY = "FAILING", "DEGRADED", "HEALTHY"
WAREHOUSE = "the warehouse"
"""What is unwell where nothing else can be known."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is not well, by status and metric, and `words` on each. A DEGRADED row alone only warns."""

    unwell: tuple[tuple[str, str], ...]
    words: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether all is well."""
        return not self.unwell

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        """ERROR where something is FAILING."""
        is_failing = any(status == FAILING for status, _ in self.unwell)
        return dg.AssetCheckSeverity.ERROR if is_failing else dg.AssetCheckSeverity.WARN

    @property
    def metadata(self) -> dict[str, Any]:
        """For the check's result."""
        return {"not_healthy": list(self.words)}


def judge(rows: Sequence[Mapping[str, Any]]) -> Verdict:
    """The verdict on the rows of pipeline_health. What nobody watches is neither well nor unwell."""
    unwell = [row for row in rows if row["status"] in (FAILING, DEGRADED)]
    unwell.sort(key=lambda row: (row["status"] != FAILING, row["metric"]))
    return Verdict(tuple((row["status"], row["metric"]) for row in unwell), tuple(words_of(row) for row in unwell))


def unreachable(why: str) -> Verdict:
    """The verdict where the warehouse, which holds the rows, does not answer."""
    return Verdict(((FAILING, WAREHOUSE),), (f"FAILING: the warehouse does not answer: {why}",))


def without_dataset(dataset: str, *, has_published: bool) -> Verdict:
    """The verdict where there is no dataset, or none with our tables: it is gone, or still to come.

    Args:
        dataset: its name.
        has_published: whether a batch is on record.
    """
    if has_published:
        return Verdict(((FAILING, WAREHOUSE),), (f"FAILING: the warehouse has no dataset {dataset} any more",))
    words = f"DEGRADED: the warehouse has no dataset {dataset} yet: the first run makes it"
    return Verdict(((DEGRADED, WAREHOUSE),), (words,))


def words_of(row: Mapping[str, Any]) -> str:
    """One row of pipeline_health in a line. The value is not rounded: 99.99999 % would be 100, which is the target."""
    value = "" if row["value"] is None else f" is {Decimal(str(row['value'])).normalize():f}, target {row['target']}"
    detail = f" ({row['detail']})" if row["detail"] else ""
    return f"{row['status']}: {row['metric']}{value}{detail}"


def rows_before_the_first_build(seen: Sequence[Observation], now: datetime) -> list[dict[str, Any]]:
    """Rows as pipeline_health would have them of what is overdue, while dbt has not built it yet."""
    rows = []
    for row in seen:
        overdue = max(0, int((now - row.due_at).total_seconds())) if row.due_at and row.metric != LAG else 0
        status = FAILING if overdue else HEALTHY
        rows.append({"metric": row.metric, "value": overdue, "target": "0", "status": status, "detail": row.detail})
    return rows
