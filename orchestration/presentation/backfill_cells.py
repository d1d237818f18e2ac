"""The differences of a backfill as cells.

Belongs here: columns and cells. Does not belong here: the comparison.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spark_jobs.corrections.backfill import Difference


COLUMNS = ("outcome", "disposition", "currency", "records", "minor units now", "recomputed", "difference")


def cells(differences: "Iterable[Difference]") -> list[tuple[object, ...]]:
    """Rows of COLUMNS."""
    return [
        (d.outcome, d.disposition, d.currency, d.records, d.amount_minor, d.recomputed_minor, _signed(d))
        for d in differences
    ]


def _signed(difference: "Difference") -> str:
    change = difference.recomputed_minor - difference.amount_minor
    return f"{change:+,}" if change else ""
