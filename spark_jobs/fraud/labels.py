"""What became of a payment: a chargeback, confirmed fraud, or a false alarm; who says so, when and why.

Belongs here: writing a label, and which label counts. Does not belong here: arguments (orchestration.cli), judging the
rules by labels (orchestration.backtest). Rows are only added: of a payment's labels the newest counts.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.utc_days import beginning_of
from spark_jobs.warehouse.client import run

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


class Label(StrEnum):
    """What is known of a payment. NONE takes a label back."""

    CHARGEBACK = "CHARGEBACK"
    CONFIRMED_FRAUD = "CONFIRMED_FRAUD"
    FALSE_ALARM = "FALSE_ALARM"
    NONE = "NONE"


FRAUDULENT = (Label.CHARGEBACK, Label.CONFIRMED_FRAUD)


class CannotLabel(ValueError):
    """There is no such payment. The message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a payment was labelled as before, and whether a row was written: the same label again writes none."""

    before: Label
    is_written: bool


def label_payment(
    client: "Client", settings: JobSettings, transaction_id: str, day: date, label: Label, *, by: str, reason: str
) -> Labelled:
    """Label a payment.

    Args:
        client: the warehouse.
        settings: names the tables.
        transaction_id: the payment.
        day: the UTC day of its event_time: only this day is read.
        label: what it is.
        by: who says so.
        reason: why.

    Raises:
        CannotLabel: no such payment counts on that day.
    """
    begins = beginning_of(day)
    values = {"transaction_id": transaction_id, "since": begins, "until": begins + timedelta(days=1)}
    found = run(client, label_of_sql(settings), values)
    if not found:
        raise CannotLabel(
            f"no payment {transaction_id} counts on {day} (UTC): "
            "look for its event_time in payment_transactions or payment_deliveries."
        )
    before, paid_at = Label(found[0]["label"]), found[0]["event_time"]
    if before is label:
        return Labelled(before, is_written=False)
    # Of the day only the payment's own moment is read again.
    moment = {"since": paid_at, "until": paid_at + timedelta(microseconds=1)}
    signed = {"label": str(label), "labelled_by": by, "reason": reason}
    [written] = run(client, write_sql(settings), values | moment | signed)
    return Labelled(before, is_written=bool(written["rows_written"]))


def newest_labels_sql(settings: JobSettings) -> str:
    """A query in brackets: the label that counts of each payment, NONE among them."""
    return f"""(
        select transaction_id, event_time, label from `{table_id(settings, catalog.FRAUD_LABELS)}` where true
        qualify row_number() over (partition by transaction_id order by labelled_at desc, label) = 1
    )"""


def label_of_sql(settings: JobSettings) -> str:
    """One row with the label of a payment of a day; none where there is no such payment."""
    return f"""
        select payments.event_time, coalesce(labels.label, '{Label.NONE}') as label
        {_payment_and_label(settings)}
        """


def write_sql(settings: JobSettings) -> str:
    """One row more, unless somebody has written the same label in the meantime; says how many."""
    return f"""
        insert into `{table_id(settings, catalog.FRAUD_LABELS)}` (
            transaction_id, event_time, label, labelled_by, reason, labelled_at)
        select payments.transaction_id, payments.event_time, @label, @labelled_by, @reason, current_timestamp()
        {_payment_and_label(settings)} and coalesce(labels.label, '{Label.NONE}') != @label;
        select @@row_count as rows_written;
        """


def _payment_and_label(settings: JobSettings) -> str:
    return f"""from `{table_id(settings, catalog.TRANSACTIONS)}` as payments
        left join {newest_labels_sql(settings)} as labels on payments.transaction_id = labels.transaction_id
        where payments.transaction_id = @transaction_id
            and payments.event_time >= @since and payments.event_time < @until
        """
