import json
from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.certify.findings import Finding, Verdict
from orchestration.certify.report import Report

GOOD = Finding("money is exact", Verdict.SHOWN, "sums | are exact", 0.25)
UNSHOWN = Finding("a filter reads less", Verdict.NOT_SHOWN, "the stand-in says 0", 0.1)
REPORT = Report("2026-11-28T13:00:00+00:00", "project acme", "EU", True, [GOOD, UNSHOWN], {"load": 1.5}, 2**40, True)


def test_a_report_is_good_only_if_nothing_failed_and_nothing_is_left_behind() -> None:
    assert not REPORT.has_failed
    assert replace(REPORT, findings=[GOOD, replace(GOOD, verdict=Verdict.FAILED)]).has_failed
    assert replace(REPORT, cleaned_up=False).has_failed


def test_both_files_say_the_same(tmp_path: Path) -> None:
    written, page = REPORT.write(tmp_path / "reports")
    kept = json.loads(written.read_text())
    assert [finding["verdict"] for finding in kept["findings"]] == ["shown", "not shown here"]
    text = page.read_text()
    assert "1 shown, 1 not shown here, 0 FAILED" in text
    assert "sums \\| are exact" in text
    assert "6.25 dollars" in text


@pytest.mark.parametrize(
    ("is_bigquery", "words"), [(True, ": BigQuery."), (False, "nothing here is a statement about")]
)
def test_a_stand_in_is_never_taken_for_bigquery(is_bigquery: bool, words: str) -> None:
    report = replace(REPORT, is_bigquery=is_bigquery, bytes_billed=2**20 if is_bigquery else None)
    assert words in report.to_markdown()
