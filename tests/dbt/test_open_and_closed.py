"""Where an altered row is seen: in what is open by the next build, in what is closed by the night."""

import pytest

from tests.dbt.breaks import AMOUNTS, DUPLICATES, PAYMENTS, TOTALS
from tests.dbt.conftest import DbtWarehouse
from tests.dbt.sample import Tables, deliveries, tables

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

NO_SECOND_LOOK = "checked_again_batches: 0"
ASKED = (AMOUNTS, PAYMENTS, TOTALS, DUPLICATES, "int_deliveries__totals", "reconciliation_summary")
CLOSED, OPEN = 1, 4


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
