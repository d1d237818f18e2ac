"""Seals: which days are over, and a chain in which nothing can be changed unnoticed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from spark_jobs.sealing.seals import Seal, Sums, broken_links, days_to_seal, last_closed_day
from spark_jobs.tables.seal_tables import DAY_SEALS
from tests.unit.spark_jobs.sealing.trees import SEAL

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def chain(count: int) -> list[Seal]:
    seals: list[Seal] = []
    for number in range(1, count + 1):
        previous = seals[-1].digest if seals else ""
        day = SEAL.day + DAY * number
        seals.append(replace(SEAL, seal_id=number, day=day, previous_digest=previous).sealed())
    return seals


def test_a_seal_has_the_columns_of_its_table_in_their_order() -> None:
    assert list(SEAL.as_texts()) == [column.name for column in DAY_SEALS.columns]
    assert Seal.of_row({name: getattr(SEAL, name) for name in SEAL.as_texts()}) == SEAL


def test_a_day_is_over_once_the_watermark_and_the_time_for_reports_are_past_its_end() -> None:
    hours = timedelta(hours=24)
    assert last_closed_day([NOON], NOON + hours, hours) == date(2026, 11, 21)
    assert last_closed_day([NOON], NOON, hours) == date(2026, 11, 20)
    assert last_closed_day([NOON - DAY], NOON + hours, hours) == date(2026, 11, 20)
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    assert last_closed_day([midnight], NOON + hours, hours) == date(2026, 11, 21)
    assert last_closed_day([midnight - timedelta(microseconds=1)], NOON + hours, hours) == date(2026, 11, 20)


def test_no_day_is_over_while_a_pipeline_has_no_watermark() -> None:
    assert last_closed_day([], NOON, DAY) is None
    assert last_closed_day([NOON, None], NOON, DAY) is None
    assert last_closed_day([NOON, NOON - 5 * DAY], NOON, DAY) == date(2026, 11, 16)


def test_days_are_sealed_one_after_the_other_and_the_first_time_those_with_payments() -> None:
    last = date(2026, 11, 20)
    assert days_to_seal(last - 2 * DAY, last, []) == [last - DAY, last]
    assert days_to_seal(last, last, []) == []
    assert days_to_seal(last + DAY, last, []) == []
    assert days_to_seal(None, last, [last + DAY, last, date(2020, 1, 1)]) == [date(2020, 1, 1), last]
    assert days_to_seal(None, None, [last]) == []


def test_a_chain_that_nobody_touched_is_whole() -> None:
    assert broken_links([]) == []
    assert broken_links(chain(4)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"payment_count": 1},
        {"amounts": '{"EUR":1}'},
        {"hash_total": Decimal(1)},
        {"tree_root": "0"},
        {"ledger_digest": ""},
        {"sealed_by": "eve"},
        {"sealed_at": NOON},
        {"digest": "0" * 64},
    ],
)
def test_a_seal_that_was_altered_shows(change: dict[str, object]) -> None:
    seals = chain(3)
    seals[1] = replace(seals[1], **change)  # type: ignore[arg-type]
    assert broken_links(seals)


def test_a_seal_that_was_made_anew_no_longer_carries_the_next() -> None:
    seals = chain(3)
    seals[1] = replace(seals[1], payment_count=1).sealed()
    assert broken_links(seals) == [f"the seal of {seals[2].day} does not follow on the seal before it"]


def test_a_seal_that_is_missing_or_there_twice_shows() -> None:
    first, second, third = chain(3)
    assert broken_links([first, third]) == ["seal 2 is missing, or there more than once"]
    assert broken_links([first, second, second, third])
    assert broken_links([second, third]) == ["seal 1 is missing, or there more than once"]


def test_sums_are_exact_and_written_in_one_way() -> None:
    rows = [
        {"currency": "USD", "payment_count": 2, "amount_minor": Decimal(10**18), "hash_total": Decimal(2**59)},
        {"currency": "EUR", "payment_count": 1, "amount_minor": Decimal(5), "hash_total": Decimal(1)},
    ]
    sums = Sums.of_rows(rows)
    assert sums.payments == 3
    assert sums.amounts_as_text() == '{"EUR":5,"USD":1000000000000000000}'
    assert sums.hash_total == 2**59 + 1
    assert Sums.of_rows([]).amounts_as_text() == "{}"
