"""The pure parts of corrections: what a conflict has at stake, which delivery is meant, which records are chosen."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from spark_jobs.corrections.conflicts import Conflict, NoSuchChoice, by_newest_hash, choose
from spark_jobs.corrections.decisions import correct_sql
from spark_jobs.corrections.kept_records import RECENT, Selection
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from tests.unit.spark_jobs.batches import SETTINGS

SQL = correct_sql(SETTINGS, "payments-local.payment_data.staging_corrections_1")


def delivery(offset: int, payload: bytes, minor: int, currency: str = "EUR", **given: Any) -> dict[str, Any]:
    place = {"topic": "t", "kafka_partition": 0, "kafka_offset": offset}
    told = {"payload_hash": payload, "amount_minor": minor, "currency": currency, "disposition": "DUPLICATE"}
    return place | told | {"batch_id": offset} | given


FIRST, RETRY, OTHER = delivery(1, b"x", 500, disposition="UNIQUE"), delivery(2, b"x", 500), delivery(3, b"y", 800)
CONFLICT = Conflict("id", (FIRST, RETRY, OTHER), (("t", 0, 1),), 0)


def test_the_money_at_stake_is_what_the_payloads_differ_by() -> None:
    assert CONFLICT.exposure() == {"EUR": 300}
    yen = delivery(4, b"z", 70, "JPY")
    assert Conflict("id", (FIRST, yen), (), 0).exposure() == {"EUR": 500, "JPY": 70}


@pytest.mark.parametrize(("through", "is_decided"), [(0, False), (2, False), (3, True)])
def test_a_decision_holds_until_a_payload_comes_that_it_did_not_know(through: int, is_decided: bool) -> None:
    assert Conflict("id", CONFLICT.deliveries, CONFLICT.published, through).is_decided is is_decided


def test_an_id_that_is_published_twice_is_undecided_and_what_is_counted_too_much_is_at_stake() -> None:
    twice = Conflict("id", (FIRST, RETRY), (("t", 0, 1), ("t", 0, 2)), 9)
    assert not twice.is_decided
    assert twice.exposure() == {"EUR": 500}
    other_currency = Conflict("id", (FIRST, delivery(4, b"z", 70, "JPY")), (("t", 0, 1), ("t", 0, 4)), 0)
    assert other_currency.exposure() == {"EUR": 500, "JPY": 70}
    assert Conflict("id", (FIRST, RETRY), (("t", 0, 1),), 9).is_decided


def test_the_same_bytes_are_no_conflict_where_an_earlier_contract_made_another_hash_of_them() -> None:
    before = delivery(1, b"with unknown fields", 500, value_sha256=b"same")
    again = delivery(2, b"without them", 500, value_sha256=b"same")
    other = delivery(3, b"other", 800, value_sha256=b"other")
    assert [row["payload_hash"] for row in by_newest_hash([before, again, other])] == [
        b"without them",
        b"without them",
        b"other",
    ]
    assert before["payload_hash"] == b"with unknown fields", "what is stored stays as it is"


@pytest.mark.parametrize(("keep", "chosen"), [("first", FIRST), ("t/0/3", OTHER), ("0/3", OTHER), ("t/0/2", RETRY)])
def test_a_delivery_is_chosen_by_its_coordinates_or_as_the_first(keep: str, chosen: dict[str, Any]) -> None:
    assert choose(CONFLICT, keep) is chosen


@pytest.mark.parametrize(
    ("conflict", "keep"), [(CONFLICT, "t/0/9"), (CONFLICT, ""), (Conflict("id", (OTHER,), (), 0), "first")]
)
def test_what_is_not_there_cannot_be_chosen(conflict: Conflict, keep: str) -> None:
    with pytest.raises(NoSuchChoice):
        choose(conflict, keep)


def test_values_of_a_selection_never_become_sql() -> None:
    since = datetime(2026, 11, 21, tzinfo=UTC)
    conditions, values = Selection(partition=3, since=since, reason="x' or true", limit=5).conditions()
    assert set(re.findall(r"@(\w+)", conditions)) | {"most"} == set(values)
    assert values == {"partition": 3, "since": since, "quarantined_for": "x' or true", "most": 5}
    assert Selection().conditions()[0] == "true"


def test_without_a_time_of_its_own_a_selection_is_of_the_last_days() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert Selection(limit=5).recent(now) == Selection(since=now - RECENT, limit=5)
    asked = Selection(since=datetime(2026, 1, 1, tzinfo=UTC))
    assert asked.recent(now) is asked


def test_an_id_that_is_added_is_looked_for_in_the_days_of_the_look_back_alone() -> None:
    [check] = [statement for statement in SQL.split(";") if "assert not exists" in statement]
    assert "event_time >= @added_since" in check


def test_decisions_are_one_transaction_that_begins_with_a_compare_and_set() -> None:
    statements = [statement.split() for statement in SQL.split(";") if statement.strip()]
    assert [statement[0] for statement in statements] == [
        *("begin", "update", "assert", "insert", "assert", "delete", "assert", "insert", "assert", "commit")
    ]
    assert "last_batch_id = @last_batch_id and correction_count = @correction_count" in " ".join(statements[1])


def test_every_column_of_a_correction_is_written() -> None:
    [columns] = re.findall(r"payment_corrections`\s*\((.*?)\)", SQL)
    assert columns.split(", ") == list(catalog.WRITTEN_CORRECTION)
    assert set(catalog.WRITTEN_CORRECTION) == {column.name for column in catalog.CORRECTIONS.columns}
    assert len(catalog.WRITTEN_CORRECTION) == len(catalog.CORRECTIONS.columns)


def test_only_an_admission_or_a_choice_adds_a_payment() -> None:
    added = {kind: kind.payments_added for kind in Correction}
    assert {kind for kind, count in added.items() if count == 1} == {
        "ADMITTED_LATE",
        "CONFLICT_CHOSEN",
        "BACKFILL_CHOSEN",
    }
    assert {kind for kind, count in added.items() if count == -1} == {"CONFLICT_REPLACED", "BACKFILL_REPLACED"}
