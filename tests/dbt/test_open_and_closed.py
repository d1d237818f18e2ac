"""Where an altered row is seen: in what is open by the next build, in what is closed by the night."""

from datetime import UTC, datetime

import pytest

from tests.dbt.breaks import AMOUNTS, DUPLICATES, OFFSETS, PAYMENTS, TOTALS
from tests.dbt.conftest import DbtWarehouse
from tests.dbt.sample import Delivery, Tables, correct, correction, deliveries, tables

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

NO_SECOND_LOOK = "checked_again_batches: 0"
ASKED = (AMOUNTS, PAYMENTS, TOTALS, DUPLICATES, "int_deliveries__totals", "reconciliation_summary")
CLOSED, OPEN = 1, 4
AFTER_A_REST = 100
"""The number of a batch that comes four days after the third one, by the sample's clock: a batch an hour."""


def altered(data: Tables, batch_id: int) -> None:
    """A cent more in a payment's delivery, and a retry of a payment that never was."""
    of_it = [row for row in data["payment_deliveries"] if row["batch_id"] == batch_id]
    next(row for row in of_it if row["disposition"] == "UNIQUE")["amount_minor"] += 1
    next(row for row in of_it if row["disposition"] == "DUPLICATE")["transaction_id"] = f"never-seen-{batch_id}"


def batches_named(warehouse: DbtWarehouse) -> set[int]:
    return {row["batch_id"] for row in warehouse.rows(AMOUNTS)}


def test_an_altered_row_is_seen_by_the_next_build_where_it_is_open_and_by_the_night_where_it_is_not(
    warehouse: DbtWarehouse,
) -> None:
    warehouse.fill(tables(deliveries(batches=3)))
    first = warehouse.build("--exclude-resource-type", "unit_test", "--vars", NO_SECOND_LOOK)
    assert not first.not_green(), first.output
    data = tables(deliveries(batches=4))
    altered(data, CLOSED)
    altered(data, OPEN)
    warehouse.fill(data)
    build = warehouse.build("--select", *ASKED, "--vars", NO_SECOND_LOOK)
    assert build.not_green() == dict.fromkeys((AMOUNTS, PAYMENTS, TOTALS, DUPLICATES), "fail"), build.output
    assert batches_named(warehouse) == {OPEN}
    night = warehouse.build("--select", *ASKED, "--vars", f"{{{NO_SECOND_LOOK}, check_everything: true}}")
    assert night.not_green() == dict.fromkeys((AMOUNTS, PAYMENTS, TOTALS, DUPLICATES), "fail"), night.output
    assert batches_named(warehouse) == {CLOSED, OPEN}


def test_checks_of_rows_look_together_at_all_that_came_since_they_last_did(
    warehouse: DbtWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = ("--exclude-resource-type", "unit_test", "--vars", NO_SECOND_LOOK)
    warehouse.fill(tables(deliveries(batches=3)))
    assert not warehouse.build(*everything, "--full-refresh").not_green()
    data = tables(deliveries(batches=4))
    next(row for row in data["payment_deliveries"] if (row["batch_id"], row["disposition"]) == (4, "DUPLICATE"))[
        "transaction_id"
    ] = "never-seen"
    warehouse.fill(data)
    # Not due for years, as the sample is old: only totals are looked at, which are right.
    monkeypatch.setenv("PAYMENTS_CHECK_ROWS_MINUTES", "99999999")
    idle = warehouse.build(*everything)
    assert not idle.not_green(), idle.output
    # Of a batch of before, which the last green build has not looked at row by row, and of a later one.
    grown = tables(deliveries(batches=5))
    [altered_row] = [row for row in data["payment_deliveries"] if row["transaction_id"] == "never-seen"]
    place = ("kafka_partition", "kafka_offset")
    next(row for row in grown["payment_deliveries"] if all(row[key] == altered_row[key] for key in place))[
        "transaction_id"
    ] = "never-seen"
    warehouse.fill(grown)
    monkeypatch.setenv("PAYMENTS_CHECK_ROWS_MINUTES", "0")
    for _ in range(2):
        look = warehouse.build(*everything)
        assert look.not_green() == {DUPLICATES: "fail"}, look.output
    assert [row["transaction_id"] for row in warehouse.rows(DUPLICATES)] == ["never-seen"]


def after_a_rest(batches: int = 1) -> list[Delivery]:
    """Three batches, a rest of four days, and so many batches more: a payment in each of two partitions."""
    more = [
        Delivery(number, partition, 100 * partition + 20 + place, "UNIQUE", f"b{number}p{partition}", 60 * number)
        for place, number in enumerate(range(AFTER_A_REST, AFTER_A_REST + batches))
        for partition in range(2)
    ]
    return [*deliveries(batches=3), *more]


def test_batches_of_before_a_rest_of_days_are_not_looked_at_again_after_it(warehouse: DbtWarehouse) -> None:
    """So many batches are looked at again that some of them are days old: their records are not read any more."""
    everything = ("--exclude-resource-type", "unit_test", "--vars", f"checked_again_batches: {AFTER_A_REST - 2}")
    warehouse.fill(tables(deliveries(batches=3)))
    assert not warehouse.build(*everything, "--full-refresh").not_green()
    for batches in (1, 2):
        warehouse.fill(tables(after_a_rest(batches)))
        done = warehouse.build(*everything)
        assert not done.not_green(), done.output


def test_a_retry_with_a_new_time_of_a_payment_of_days_before_is_no_lost_payment(warehouse: DbtWarehouse) -> None:
    """What is forgotten is looked for by the batch itself, which leaves a correction. Without one it is lost."""
    everything = ("--exclude-resource-type", "unit_test", "--vars", NO_SECOND_LOOK)
    warehouse.fill(tables(deliveries(batches=3)))
    assert not warehouse.build(*everything, "--full-refresh").not_green()
    retry = Delivery(AFTER_A_REST, 0, 21, "DUPLICATE", "b1p0-a", 60 * AFTER_A_REST)
    data = tables([*after_a_rest(), retry])
    warehouse.fill(data)
    lost = warehouse.build("--select", DUPLICATES, "--vars", NO_SECOND_LOOK)
    assert lost.not_green() == {DUPLICATES: "fail"}, lost.output
    found = correction(retry, 1, "RETRACTED_DUPLICATE", 0) | {"decided_at": retry.kafka_timestamp.isoformat(sep=" ")}
    correct(data, [found])
    warehouse.fill(data)
    known = warehouse.build("--select", DUPLICATES, "--vars", NO_SECOND_LOOK)
    assert not known.not_green(), known.output


def test_a_batch_that_is_published_while_checks_look_is_left_to_the_next_build(warehouse: DbtWarehouse) -> None:
    """It may bring a record that is older than all that the build knew of when it began."""
    everything = ("--exclude-resource-type", "unit_test", "--vars", NO_SECOND_LOOK)
    warehouse.fill(tables(deliveries(batches=3)))
    assert not warehouse.build(*everything, "--full-refresh").not_green()
    data, seen = tables(deliveries(batches=5)), tables(deliveries(batches=4))
    straggler = next(row for row in data["payment_deliveries"] if row["batch_id"] == 5)
    straggler["kafka_timestamp"] = "2026-01-01 00:00:00+00:00"
    warehouse.fill(data | {"pipeline_control": seen["pipeline_control"]})
    asked = ("--select", AMOUNTS, OFFSETS, PAYMENTS, "--vars", NO_SECOND_LOOK)
    beside = warehouse.build(*asked)
    assert not beside.not_green(), beside.output
    # A payment of a batch that nobody has published is nobody's next batch.
    forged = data["payment_transactions"][-1] | {"batch_id": 999, "transaction_id": "forged", "kafka_offset": 999}
    data["payment_transactions"].append(forged)
    warehouse.fill(data | {"pipeline_control": seen["pipeline_control"]})
    assert warehouse.build(*asked).not_green() == {OFFSETS: "fail", PAYMENTS: "fail"}


def test_a_decision_that_is_made_while_checks_look_is_left_to_the_next_build(warehouse: DbtWarehouse) -> None:
    """The payment that it adds may be older than all that the build reads."""
    everything = ("--exclude-resource-type", "unit_test", "--vars", NO_SECOND_LOOK)
    warehouse.fill(tables(deliveries(batches=3)))
    assert not warehouse.build(*everything, "--full-refresh").not_green()
    records = deliveries(batches=4)
    late = next(record for record in records if (record.batch_id, record.disposition) == (OPEN, "LATE"))
    told, before = tables(records), tables(records)["pipeline_control"]
    made = correction(late, 1, "ADMITTED_LATE", 1) | {"decided_at": datetime.now(UTC).isoformat(sep=" ")}
    correct(told, [made])
    # A build that began before it does not read as far back as this payment.
    meanwhile = [made | {"event_time": late.kafka_timestamp.isoformat(sep=" ")}]
    asked = ("--select", OFFSETS, PAYMENTS, "--vars", NO_SECOND_LOOK)
    for data in (told | {"payment_corrections": meanwhile, "pipeline_control": before}, told):
        warehouse.fill(data)
        done = warehouse.build(*asked)
        assert not done.not_green(), done.output
