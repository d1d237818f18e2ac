from dataclasses import replace

from orchestration.dashboard import statements
from orchestration.dashboard.cells import TABLES, Table, is_number, size, table_of
from orchestration.dashboard.model import Section, Snapshot
from tests.unit.orchestration.dashboard.sample import rows, snapshot


def table(key: str, known: Snapshot | None = None) -> Table:
    [layout] = [layout for layout in TABLES if layout.key == key]
    return table_of(layout, known or snapshot())


def test_money_is_in_its_own_currency_exactly() -> None:
    assert table("late").rows == (("KWD", "6", "0.738 KWD"),)
    yen = snapshot(late=[{"currency": "JPY", "records": 1, "amount_minor": "700000"}])
    assert table("late", yen).rows == (("JPY", "1", "700,000 JPY"),)


def test_one_comparison_of_a_million_that_fails_is_no_match_of_100() -> None:
    day = {"day": "2026-01-05", "row_count": 10**6, "failed_count": 1, "pending_count": 0, "status": "FAILING"}
    shown = table("query-reconciliation", snapshot(reconciliation=[day | {"match_pct": "99.9999"}]))
    assert shown.rows[0][-2:] == ("99.99", "FAILING")
    whole = table("query-reconciliation", snapshot(reconciliation=[day | {"match_pct": "100.000000000"}]))
    assert whole.rows[0][-2] == "100"


def test_conflicts_say_how_much_is_at_stake() -> None:
    shown = table("conflicts")
    assert shown.rows[0][2] == "12.50 EUR"
    assert shown.note == "1 payments are undecided; 12.50 EUR are at stake."
    assert shown.command == "payments resolve"


def test_a_conflict_that_nobody_can_value_is_not_called_nothing() -> None:
    [valued] = rows()[statements.CONFLICTS]
    unvalued = valued | {"exposure_eur": None, "open_eur": None, "unvalued_count": 1}
    shown = table("conflicts", snapshot(conflicts=[unvalued]))
    assert shown.rows[0][2] == "not known"
    assert shown.note == (
        "1 payments are undecided; 0.00 EUR are at stake. "
        "That leaves out 1 of them, of which no rate gives the value in EUR."
    )


def test_a_sample_of_the_quarantine_is_a_place_in_kafka() -> None:
    assert table("quarantine").rows[0][3] == "payment-events/0/17"


def test_the_fraud_queue_is_that_of_the_team_and_names_its_command() -> None:
    shown = table("fraud")
    assert shown.rows == (("2026-01-05", "2", "1", "3", "4,099.90 EUR"),)
    assert shown.command == "payments alert-queue"
    assert "{fraud_alert_queue}" in statements.ALL[statements.FRAUD].sql


def test_what_was_billed_is_priced_by_the_list() -> None:
    assert table("costs").rows == (("2026-01-05", "7", "1.1 TB", "$6.25"),)


def test_every_section_but_the_top_ones_has_a_table() -> None:
    on_top = {
        statements.CONTROL,
        statements.RECONCILIATION,
        statements.COMPARED,
        statements.BINS,
        statements.HEALTH,
        statements.INCIDENTS,
        statements.HISTORY,
    }
    shown = {layout.section for layout in TABLES}
    assert shown == set(statements.ALL) - on_top | {statements.COSTS, statements.LAG}


def test_a_section_that_fails_keeps_its_rows_and_says_why() -> None:
    known = snapshot()
    sections = {**known.sections, statements.LATE: replace(known.section(statements.LATE), trouble="too large")}
    shown = table("late", replace(known, sections=sections))
    assert shown.rows
    assert (shown.trouble, shown.read_at) == ("too large", "2026-01-05 12:07")


def test_what_was_never_read_is_not_called_empty() -> None:
    assert table("late", Snapshot("2026-01-05T12:00:00Z")).note == "It was not read yet."
    empty = Snapshot("2026-01-05T12:00:00Z", sections={statements.LATE: Section((), "2026-01-05T12:00:00Z")})
    assert table("late", empty).note == "No record was late."


def test_bytes_are_told_in_the_unit_that_says_them_best() -> None:
    cell = size("bytes")
    assert [cell({"bytes": each}) for each in (None, 0, 999, 1000, 40_500_000, -2_000)] == [
        "",
        "0 B",
        "999 B",
        "1 kB",
        "40.5 MB",
        "-2 kB",
    ]


def test_columns_of_numbers_stand_to_the_right_and_others_do_not() -> None:
    assert table("lag").numeric == (True, True, True, True)
    assert dict(zip(table("late").columns, table("late").numeric, strict=True)) == {
        "currency": False,
        "records": True,
        "amount": True,
    }
    assert not any(is_number(each) for each in ("2026-01-05 12:07", "80 to 100", "HEALTHY", "payment-events/0/17", ""))
