import json
from collections import defaultdict
from pathlib import Path

import pytest

from benchmarks.bytes.billing import Read
from benchmarks.bytes.meter import LONG_DAYS, SHORT_DAYS, Charge, Metered
from benchmarks.bytes.page import (
    FIGURES,
    MOST_GROWTH,
    PAGE,
    TOLD_RATE,
    WATCHED,
    dollars,
    growing,
    rows_of,
    size,
    write_page,
)
from benchmarks.bytes.prices import on_demand
from benchmarks.bytes.pruning import Window
from benchmarks.bytes.volumes import DAY_SECONDS, LEAST_BYTES, Schedule
from spark_jobs.settings import read_job_settings
from spark_jobs.turns.lease import RENEWALS
from tests.architecture.sources import ROOT
from tests.unit.benchmarks.bytes.test_volumes import VOLUMES

DEBTS = Path(__file__).with_name("debts.json")
METERED = Metered(
    (
        Charge("batch", "select payment_transactions", (Read("payment_transactions", frozenset({"amount"})),)),
        Charge("batch", "recent", (Read("payment_transactions", frozenset({"amount"}), Window(2.5, None)),)),
        Charge("verify", "every delivery", (Read("payment_deliveries", frozenset({"raw_value"})),), times=2),
    ),
    {},
    VOLUMES,
)


def recorded_growth() -> dict[str, float]:
    """By statement of a batch or a build, as `make bytes` last worked it out."""
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for row in json.loads(FIGURES.read_text()):
        if row["payments_per_second"] == TOLD_RATE and row["statement"].split(" / ")[0] in WATCHED:
            found[row["statement"]][row["days"]] = row["bytes"]
    return {name: by_days[LONG_DAYS] / by_days[SHORT_DAYS] for name, by_days in found.items()}


def test_every_statement_of_a_batch_and_a_build_is_billed_with_a_year_kept_as_with_a_month() -> None:
    """Those in debts.json are not: who mends one takes it out of the list, and nobody puts a new one in unasked."""
    growth = recorded_growth()
    assert len(growth) > 100, "batch, build and check"
    debts = json.loads(DEBTS.read_text())
    breaking = {name: round(ratio, 2) for name, ratio in growth.items() if ratio > MOST_GROWTH}
    assert sorted(breaking.keys() - debts.keys()) == [], "these read what is stored, and did not before"
    assert sorted(debts.keys() - breaking.keys()) == [], "mended: take them out of debts.json"
    assert {name for name in breaking if breaking[name] > debts[name] * MOST_GROWTH} == set(), "worse than before"


def test_growing_statements_are_those_of_a_batch_or_a_build_alone() -> None:
    assert growing(METERED) == {"batch / select payment_transactions": round(LONG_DAYS / SHORT_DAYS, 2)}


def test_every_statement_is_told_at_every_rate_and_number_of_days() -> None:
    rows = list(rows_of(METERED, Schedule()))
    assert len(rows) == 3 * 4 * 3
    assert set(rows[0]) == {"statement", "payments_per_second", "days", "bytes", "dollars_a_day"}


def test_a_statement_that_is_sent_twice_costs_twice_a_day() -> None:
    [row] = [
        row
        for row in rows_of(METERED, Schedule(verifications_a_day=3))
        if row["statement"] == "verify / every delivery" and (row["payments_per_second"], row["days"]) == (10_000, 30)
    ]
    assert row["dollars_a_day"] == pytest.approx(float(row["bytes"]) / 2**40 * 6.25 * 2 * 3, rel=1e-3)


def test_work_that_no_day_has_is_in_no_sum_and_shown_with_what_it_costs_once(tmp_path: Path) -> None:
    page = tmp_path / "costs.md"
    page.write_text(PAGE.read_text())
    once = Charge("rebuild", "every payment", (Read("payment_transactions", frozenset({"amount"})),))
    write_page(Metered((*METERED.charges, once), {}, VOLUMES), Schedule(), page)
    by_work, _, rest = page.read_text().partition("<!-- table: costs_once -->")
    assert "| rebuild |" not in by_work
    assert "| rebuild | " in rest.partition("<!-- /table -->")[0]


def test_the_page_has_a_place_for_every_table(tmp_path: Path) -> None:
    page = tmp_path / "costs.md"
    page.write_text(PAGE.read_text())
    write_page(METERED, Schedule(), page)
    text = page.read_text()
    assert "`select payment_transactions`" in text
    assert "Dataflow, exactly once" in text
    assert "<!-- table: costs_by_work -->\n<!-- /table -->" not in text


@pytest.mark.parametrize(("count", "shown"), [(0, "0 B"), (10 * 2**20, "10 MiB"), (1.5 * 2**40, "1.5 TiB")])
def test_sizes_are_short(count: float, shown: str) -> None:
    assert size(count) == shown


def test_dollars_are_whole_from_ten_on() -> None:
    assert [dollars(amount) for amount in (0.126, 9.5, 15_023.4)] == ["$0.13", "$9.50", "$15,023"]


@pytest.mark.parametrize("document", ["docs/costs.md", "docs/adr/0041-a-lease-in-the-warehouse.md"])
def test_the_documents_say_what_the_lease_costs_by_what_it_sends(document: str) -> None:
    text = " ".join((ROOT / document).read_text().split())
    default = read_job_settings({}).turn_lease_seconds
    for seconds in (default, 30) if document == "docs/costs.md" else (default,):
        renewals = round(DAY_SECONDS / (seconds / RENEWALS))
        billed = renewals * LEAST_BYTES
        assert f"{renewals:,} a day: {size(billed)}, {dollars(on_demand(billed))}" in text
