"""What an erasure found and its receipts, as cells.

Belongs here: columns and cells. Does not belong here: the search, the erasure.
"""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spark_jobs.erasure.account_search import Found
    from spark_jobs.erasure.erase import ErasureReceipt


COLUMNS = ("day", "currency", "deliveries", "minor units", "payments among them", "minor units of payments")


RECEIPT_COLUMNS = ("erasure", "day", "was", "currency", "deliveries", "payments", "minor units")


def cells(found: "Iterable[Found]") -> list[tuple[Any, ...]]:
    """Rows of COLUMNS."""
    sums: dict[tuple[Any, str], Counter[str]] = {}
    for one in found:
        counts = {"records": 1, "minor": one.amount_minor, "payments": one.payments}
        sums.setdefault((one.day, one.currency), Counter()).update(counts | {"paid": one.payments * one.amount_minor})
    return [(*key, *(sums[key][name] for name in ("records", "minor", "payments", "paid"))) for key in sorted(sums)]


def receipt_cells(receipts: "Iterable[ErasureReceipt]") -> list[tuple[Any, ...]]:
    """Rows of RECEIPT_COLUMNS."""
    return [
        (r.erasure_id, r.day, r.disposition, r.currency, r.records, r.payments, int(r.amount_minor)) for r in receipts
    ]
