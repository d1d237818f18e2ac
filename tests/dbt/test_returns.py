"""Money that goes back, held against what was paid: on a real local warehouse, of payments made now."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.dbt.conftest import DbtWarehouse
from tests.dbt.sample import deliveries, tables

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

ABOVE, ORPHAN = "assert_returns_do_not_exceed_their_payment", "assert_returns_have_their_payment"


def transactions(*changes: dict[str, Any]) -> list[dict[str, Any]]:
    """Payments of the sample's first row, each with an offset of its own, made and sent two days ago."""
    [first, *_] = tables(deliveries(batches=1))["payment_transactions"]
    moment = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    made = {"event_time": moment, "kafka_timestamp": moment}
    return [
        first | made | {"kafka_offset": at, "amount_minor": round(Decimal(change["amount"]) * 100)} | change
        for at, change in enumerate(changes)
    ]


def back(name: str, original: str | None, **more: Any) -> dict[str, Any]:
    return {"transaction_id": name, "payment_kind": "refund", "original_transaction_id": original} | more


def test_more_than_was_paid_and_money_of_no_payment_are_seen_and_no_refund_is_a_payment(
    warehouse: DbtWarehouse,
) -> None:
    now = datetime.now(UTC).isoformat()
    rows = transactions(
        {"transaction_id": "paid", "amount": "10"},
        {"transaction_id": "also-paid", "amount": "10", "payment_kind": "payment", "status": "settled"},
        {"transaction_id": "tried", "amount": "10", "payment_kind": "payment", "status": "failed"},
        back("r1", "paid", amount="10"),
        back("r2", "paid", amount="0.01"),
        back("r3", "also-paid", amount="10"),
        back("r4", "also-paid", amount="10", status="failed"),
        back("r5", "unknown", amount="1"),
        back("r6", "on-its-way", amount="1", kafka_timestamp=now),
    )
    warehouse.fill(tables(deliveries(batches=1)) | {"payment_transactions": rows})
    models = ("+payment_returns", "+payment_flows", "int_tests__block_nothing")
    done = warehouse.build("--select", *models, "--indirect-selection", "cautious")
    assert {name: status for name, status in done.not_green().items() if status != "warn"} == {}, done.output
    assert {done.statuses[ABOVE], done.statuses[ORPHAN]} == {"warn"}
    assert [row["original_transaction_id"] for row in warehouse.rows(ABOVE)] == ["paid"]
    assert [row["original_transaction_id"] for row in warehouse.rows(ORPHAN)] == ["unknown"]
    assert {row["transaction_id"] for row in warehouse.rows("int_payments__valued")} == {"paid", "also-paid"}
    assert sum(row["payment_count"] for row in warehouse.rows("payment_metrics")) == 2
    [day] = warehouse.rows("payment_flows")
    assert (day["payment_count"], day["refund_count"]) == (2, 5)
    assert (day["gross_amount"], day["refunded_amount"], day["net_amount"]) == (20, Decimal("22.01"), Decimal("-2.01"))
    assert (day["gross_eur"], day["net_eur"]) == (20, Decimal("-2.01"))


def test_sound_returns_stay_as_they_were_read_for_a_week_and_red_ones_are_read_until_they_are_mended(
    warehouse: DbtWarehouse,
) -> None:
    sound = transactions({"transaction_id": "paid", "amount": "5"}, back("r1", "paid", amount="5"))
    above = transactions(
        {"transaction_id": "paid", "amount": "5"}, back("r1", "paid", amount="5"), back("r2", "paid", amount="1")
    )
    name = f"{warehouse.settings.project}.{warehouse.settings.dataset}.payment_returns"

    def night(rows: list[dict[str, Any]], days_after: int, *options: str) -> tuple[int, bool]:
        """What a night holds of these rows that comes so many days after the last reading."""
        warehouse.fill(tables(deliveries(batches=1)) | {"payment_transactions": rows})
        if days_after:
            table = warehouse.client.get_table(name)
            table.labels = {"read": str((datetime.now(UTC).date() - date(1970, 1, 1)).days - days_after)}
            warehouse.client.update_table(table, ["labels"])
        asked = ("--select", "+payment_returns", "int_tests__block_nothing", "--indirect-selection", "cautious")
        warehouse.build(*asked, *options)
        [row] = warehouse.rows("payment_returns")
        return row["return_count"], row["is_above_original"]

    assert night(sound, 0, "--full-refresh") == (1, False)
    assert night(above, 6) == (1, False)
    assert night(above, 7) == (2, True)
    assert night(sound, 1) == (1, False)
