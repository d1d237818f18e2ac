"""A day's report: the same text for the same day, exact, and safe to look at."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from orchestration.compliance.day_report import Report, cell, of_text
from orchestration.compliance.page import page_of
from orchestration.compliance.sections import SECTIONS

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
REPORT = Report.of_rows(
    date(2026, 11, 20),
    NOW,
    "ann",
    {
        "seal": [{"payment_count": 2, "amounts": '{"EUR":5}', "sealed_at": NOW}],
        "held": [],
        "verdict": None,
        "corrected": [
            {"kind": "ADMITTED_LATE", "amount_minor": Decimal("1E+3"), "reason": "<script>alert(1)</script>"}
        ],
    },
)


def test_a_report_is_the_same_after_it_was_kept() -> None:
    assert of_text(REPORT.as_text()) == REPORT
    assert of_text(REPORT.as_text()).sha256() == REPORT.sha256()


def test_any_change_shows_in_its_hash() -> None:
    assert replace(REPORT, made_by="eve").sha256() != REPORT.sha256()
    assert replace(REPORT, sections=REPORT.sections | {"held": None}).sha256() != REPORT.sha256()


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0, "0"), (Decimal("1E+20"), "100000000000000000000"), (NOW, "2026-11-22T03:00:00+00:00")],
)
def test_a_value_is_written_exactly(value: object, text: str) -> None:
    assert cell(value) == text


def test_the_page_says_what_is_not_known_what_is_nothing_and_who_signed() -> None:
    page = page_of(REPORT, [{"signed_by": "Bea <b>", "note": None}])
    assert "Not known: dbt has not built it." in page
    assert "Nothing." in page
    assert "Signed off by Bea &lt;b&gt;." in page
    assert REPORT.sha256() in page
    assert "Not signed off." in page_of(REPORT, [])


def test_what_a_person_wrote_is_no_markup_and_nothing_is_fetched() -> None:
    page = page_of(REPORT, [])
    assert "<script" not in page
    assert "default-src 'none'" in page.replace("&#39;", "'")
    assert "http://" not in page
    assert "https://" not in page


def test_a_section_reads_nothing_but_the_day_it_is_about() -> None:
    for section in SECTIONS:
        assert "@since" in section.sql or "@day" in section.sql, section.name
    assert len({section.name for section in SECTIONS}) == len(SECTIONS)
