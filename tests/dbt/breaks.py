"""Named ways to break a sound warehouse, each with the rules that must turn red for it, and no others."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.dbt.sample import Row, Tables, correction, deliveries

OFFSETS = "assert_offsets_equal_dispositions"
RANGES = "assert_ledger_ranges_are_contiguous"
DAYS = "assert_days_have_no_duplicates"
TOTALS = "assert_control_totals_agree"
DUPLICATES = "assert_every_duplicate_has_a_unique_delivery"
PAYMENTS = "assert_every_unique_delivery_is_a_payment"
AMOUNTS = "assert_ledger_amounts_equal_deliveries"
EPOCHS = "assert_epochs_never_fall"
CONTROL = "assert_control_row_ends_where_the_ledger_ends"
MARTS = "assert_marts_hold_every_payment"
CORRECTIONS = "assert_corrections_are_all_there"
VALUED = "assert_every_payment_is_valued"
UNITS = "assert_amounts_are_their_minor_units"
RULES = (
    UNITS,
    VALUED,
    CORRECTIONS,
    OFFSETS,
    RANGES,
    DAYS,
    TOTALS,
    DUPLICATES,
    PAYMENTS,
    AMOUNTS,
    EPOCHS,
    CONTROL,
    MARTS,
)


@dataclass(frozen=True)
class Break:
    """Something done to the tables, and the rules that see it."""

    do: Callable[[Tables], None]
    red: frozenset[str]


BREAKS: dict[str, Break] = {}


def _seen_by(*rules: str) -> Callable[[Callable[[Tables], None]], Callable[[Tables], None]]:
    def register(do: Callable[[Tables], None]) -> Callable[[Tables], None]:
        BREAKS[do.__name__] = Break(do, frozenset(rules))
        return do

    return register


@_seen_by(OFFSETS, AMOUNTS, TOTALS)
def a_delivery_is_lost(data: Tables) -> None:
    data["payment_deliveries"].remove(_delivery(data, "DUPLICATE"))


@_seen_by(OFFSETS, AMOUNTS, TOTALS)
def a_delivery_is_stored_twice(data: Tables) -> None:
    data["payment_deliveries"].append(_delivery(data, "LATE"))


@_seen_by(OFFSETS, AMOUNTS, TOTALS, DUPLICATES)
def a_late_payment_is_passed_off_as_a_duplicate(data: Tables) -> None:
    _delivery(data, "LATE")["disposition"] = "DUPLICATE"


@_seen_by(OFFSETS, PAYMENTS, DAYS, MARTS)
def a_payment_is_published_twice(data: Tables) -> None:
    data["payment_transactions"].append({**data["payment_transactions"][0], "kafka_offset": 77})


@_seen_by(OFFSETS, PAYMENTS, MARTS)
def a_payment_is_deleted(data: Tables) -> None:
    data["payment_transactions"].pop()


@_seen_by(PAYMENTS, UNITS)
def a_payment_is_altered(data: Tables) -> None:
    data["payment_transactions"][1]["amount_minor"] += 1


@_seen_by(PAYMENTS, MARTS)
def a_payment_is_altered_with_its_amount(data: Tables) -> None:
    data["payment_transactions"][0] |= {"amount_minor": 1001, "amount": "10.01"}


@_seen_by(PAYMENTS, MARTS, UNITS)
def two_payments_exchange_their_currencies(data: Tables) -> None:
    """Counts stay as they are, in all and by currency."""
    euros, yen = data["payment_transactions"][:2]
    euros["currency"], yen["currency"] = yen["currency"], euros["currency"]


@_seen_by(DUPLICATES)
def a_payment_is_lost_as_a_duplicate(data: Tables) -> None:
    _delivery(data, "DUPLICATE")["transaction_id"] = "never-seen"


@_seen_by(OFFSETS, RANGES)
def a_batch_skips_offsets(data: Tables) -> None:
    data["batch_ledger_partitions"][-1]["start_offset"] += 1


@_seen_by(OFFSETS, RANGES, TOTALS)
def a_batch_skips_more_than_was_accepted_as_lost(data: Tables) -> None:
    row = data["batch_ledger_partitions"][-1]
    row["start_offset"] += 2
    data["accepted_gaps"].append(_gap(row["topic"], row["kafka_partition"], row["start_offset"] - 1, 1))


@_seen_by(CONTROL)
def a_loss_is_accepted_that_the_control_row_does_not_know(data: Tables) -> None:
    row = data["batch_ledger_partitions"][-1]
    data["accepted_gaps"].append(_gap(row["topic"], row["kafka_partition"], row["end_offset"], 5))


@_seen_by(OFFSETS)
def the_ledger_forgets_records(data: Tables) -> None:
    data["batch_ledger"][0]["delivered"] -= 1


@_seen_by(CONTROL)
def the_control_row_is_ahead(data: Tables) -> None:
    data["pipeline_control"][0]["end_offsets"] = json.dumps({"0": 999, "1": 118})


@_seen_by(CORRECTIONS)
def the_control_row_knows_of_a_correction_that_is_gone(data: Tables) -> None:
    data["pipeline_control"][0]["correction_count"] = 1


# The marts have not seen the correction yet, so what they lack of it is allowed: the other rules name it.
@_seen_by(CORRECTIONS, OFFSETS, PAYMENTS)
def a_late_payment_is_admitted_and_not_put_in(data: Tables) -> None:
    late = next(record for record in deliveries(batches=3) if record.disposition == "LATE")
    data["payment_corrections"].append(correction(late, 1, "ADMITTED_LATE", 1))


@_seen_by(CONTROL, EPOCHS)
def the_control_row_is_gone(data: Tables) -> None:
    data["pipeline_control"].clear()


PUBLISHED = (
    *("batch_ledger", "batch_ledger_partitions", "batch_ledger_amounts"),
    *("payment_deliveries", "payment_transactions", "sender_control_totals"),
)


# As where each table of a dataset expires: nothing that is left contradicts anything, but for the marts.
@_seen_by(CONTROL, MARTS)
def all_that_was_published_is_gone(data: Tables) -> None:
    for name in PUBLISHED:
        data[name].clear()


@_seen_by(EPOCHS)
def a_zombie_published(data: Tables) -> None:
    data["batch_ledger"][1]["epoch"] = 9


@_seen_by(TOTALS)
def a_sender_sent_more_money(data: Tables) -> None:
    data["sender_control_totals"][0]["delivered_amount_minor"] += 1


@_seen_by(TOTALS)
def the_broker_has_lost_what_was_acknowledged(data: Tables) -> None:
    given = {"latest_offset": 100, "observed_at": "2026-01-07 00:00:00+00:00"}
    data["kafka_offsets"][1] |= given


@_seen_by(TOTALS)
def a_record_was_exchanged_for_another_of_the_same_amount(data: Tables) -> None:
    row = data["sender_control_totals"][0]
    row["delivered_hash_total"] = str(int(row["delivered_hash_total"]) + 1)


@_seen_by(TOTALS)
def a_sender_sent_a_payment_that_never_came(data: Tables) -> None:
    data["sender_control_totals"][0]["delivered_count"] += 1


def _gap(topic: str, partition: int, start: int, length: int) -> Row:
    offsets = {"topic": topic, "kafka_partition": partition, "start_offset": start, "end_offset": start + length}
    given = {"pipeline": "payments", "accepted_by": "operator", "reason": "retention"}
    return offsets | given | {"accepted_at": "2026-01-05 23:00:00+00:00"}


def _delivery(data: Tables, disposition: str) -> Row:
    return next(row for row in data["payment_deliveries"] if row["disposition"] == disposition)


@_seen_by(OFFSETS, AMOUNTS, TOTALS)
def a_delivery_is_passed_off_as_erased(data: Tables) -> None:
    _delivery(data, "LATE")["disposition"] = "ERASED"


@_seen_by(CORRECTIONS)
def an_erasure_is_taken_out(data: Tables) -> None:
    data["pipeline_control"][0]["erasure_count"] = 1


MART_BREAKS = {
    "money is lost from a score": (
        "update {payment_transactions_fraud} set amount = amount - 0.01 where transaction_id = 'b1p0-a'",
        "update {payment_transactions_fraud} set amount = amount + 0.01 where transaction_id = 'b1p0-a'",
    ),
    "money is lost from a window": (
        "update {payment_metrics} set amount_sum = amount_sum - 0.01 where currency = 'EUR'",
        "update {payment_metrics} set amount_sum = amount_sum + 0.01 where currency = 'EUR'",
    ),
    "a window forgets a payment and keeps its money": (
        "update {payment_metrics} set payment_count = payment_count - 1 where currency = 'JPY'",
        "update {payment_metrics} set payment_count = payment_count + 1 where currency = 'JPY'",
    ),
}
"""What can happen to a mart alone, and how it is undone: MARTS sees it, and no other rule."""

GENERIC_BREAKS = {
    "a sum with a NULL": (
        "row_sum",
        {"total": "a", "parts": ["b", "c"]},
        "select 1 as a, 1 as b, cast(null as int64) as c",
    ),
    "a NULL for a sum": (
        "row_sum",
        {"total": "a", "parts": ["b", "c"]},
        "select cast(null as int64) as a, 1 as b, 1 as c",
    ),
    "another sum": ("row_sum", {"total": "a", "parts": ["b", "c"]}, "select 3 as a, 1 as b, 1 as c"),
    "a NULL for a truth": ("expression_is_true", {"expression": "a > 0"}, "select cast(null as int64) as a"),
    "too much": ("accepted_range", {"column_name": "a", "min_value": 1, "max_value": 2}, "select 3 as a"),
    "a repeated key": (
        "unique_combination",
        {"columns": ["a", "b"]},
        "select 1 as a, null as b union all select 1, null",
    ),
    "a gap": (
        "no_overlap",
        {"valid_from": "a", "valid_to": "b"},
        "select 1 as a, 2 as b union all select 3, cast(null as int64)",
    ),
    "an end without a successor": ("no_overlap", {"valid_from": "a", "valid_to": "b"}, "select 1 as a, 2 as b"),
}
"""Rows that a generic test must refuse: the test, its arguments, the rows."""
