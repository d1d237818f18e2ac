"""What a verification looks at where it need not look at everything: the batches of days that are not sealed. Pure.

Belongs here: where these begin, and the parts of the large tables that hold them. Does not belong here: reading
(warehouse_reads), seals (spark_jobs.sealing).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from spark_jobs.retention.kept import Kept
from spark_jobs.tables.row_types import Row
from spark_jobs.utc_days import beginning_of

BEFORE_ITS_RETRY = timedelta(hours=1)
"""A retry that says another time than its payment is of an hour later at most, or is not looked at."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Batches after `after_batch`: no record of theirs is older than `delivered`, and no payment than `paid`."""

    sealed_until: date
    after_batch: int
    delivered: datetime
    paid: datetime

    def parts(self, names: Mapping[str, str]) -> dict[str, str]:
        """By its name, what is read of a table; `names` says how statements write it."""
        delivered, paid = (f"timestamp '{moment.isoformat(' ')}'" for moment in (self.delivered, self.paid))
        is_newer = f"batch_id > {self.after_batch}"
        payments = f"{names['payment_transactions']} where event_time >= {paid}"
        retried = f"timestamp '{(self.paid + BEFORE_ITS_RETRY).isoformat(' ')}'"
        return {
            "payment_deliveries": f"(select * from {names['payment_deliveries']}"
            f" where kafka_timestamp >= {delivered} and {is_newer})",
            "payment_transactions": f"(select * from {payments})",
            "payments_of_batches": f"(select * from {payments} and {is_newer})",
            "payment_corrections": f"(select * from {names['payment_corrections']}"
            f" where decided_at >= {delivered} and {is_newer})",
            "is_payment_in_reach": f"d.event_time >= {retried}",
            **ALL_KEPT,
        }


ALL_KEPT = dict.fromkeys(("is_payment_kept", "is_delivery_kept", "is_raw_value_kept", "is_all_kept"), "true")
"""Conditions of rules, where nothing has expired: of days that are not sealed nothing has."""


def whole(names: Mapping[str, str], kept: Kept, before: timedelta) -> dict[str, str]:
    """The same where all is looked at that is kept.

    Args:
        names: of the tables, as statements write them.
        kept: what has expired.
        before: how much older than a duplicate its payment may be.
    """
    deliveries, payments, raw_values = kept.deliveries, kept.payments, kept.raw_values
    parts = {
        **ALL_KEPT,
        "payments_of_batches": names["payment_transactions"],
        "is_payment_in_reach": "true",
        "is_all_kept": "false" if deliveries else "true",
    }
    of_payments = []
    if deliveries:
        is_kept = deliveries.is_kept("kafka_timestamp", "batch_id")
        of_payments.append(is_kept)
        parts["payment_deliveries"] = f"(select * from {names['payment_deliveries']} where {is_kept})"
        parts["is_delivery_kept"] = deliveries.is_kept("c.kafka_timestamp", "c.batch_id")
    if payments:
        is_kept = payments.is_kept("event_time", "batch_id")
        of_payments.append(is_kept)
        parts["payment_transactions"] = f"(select * from {names['payment_transactions']} where {is_kept})"
        parts["is_payment_kept"] = payments.is_kept("d.event_time", "d.batch_id")
        parts["is_payment_in_reach"] = f"d.event_time >= timestamp '{(payments.moment + before).isoformat(' ')}'"
    if of_payments:
        parts["payments_of_batches"] = (
            f"(select * from {names['payment_transactions']} where {' and '.join(of_payments)})"
        )
    if raw_values:
        parts["is_raw_value_kept"] = raw_values.is_kept("d.kafka_timestamp", "d.batch_id")
    return parts


def unsealed(sealed_until: date | None, ledger: Sequence[Row], oldest_correction: datetime | None) -> Scope | None:
    """The scope of the days after the newest sealed one; None where all is to be looked at.

    Args:
        sealed_until: the newest sealed day; None where none is.
        ledger: rows of batch_ledger.
        oldest_correction: the oldest payment that a decision has put in or taken out since then.
    """
    if sealed_until is None:
        return None
    since = beginning_of(sealed_until + timedelta(days=1))
    batches = [row for row in ledger if row["published_at"] >= since]
    if any(row["watermark"] is None for row in batches):
        return None
    written = [row["min_kafka_timestamp"] for row in batches if row["min_kafka_timestamp"]]
    made = [row["watermark"] for row in batches] + ([oldest_correction] if oldest_correction else [])
    newest = max((row["batch_id"] for row in ledger), default=0)
    return Scope(
        sealed_until,
        min((row["batch_id"] - 1 for row in batches), default=newest),
        min([since, *written]),
        min([since, *made]),
    )
