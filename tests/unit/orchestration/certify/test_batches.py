from types import SimpleNamespace
from typing import Any

import pytest

from orchestration.certify.batches import LEAST_BYTES, Batches, billed_statements
from orchestration.certify.findings import Broken


def job(job_id: str, billed: int = 0, processed: int = 0, tables: int = 0) -> SimpleNamespace:
    return SimpleNamespace(
        job_id=job_id,
        statement_type="INSERT",
        total_bytes_billed=billed,
        total_bytes_processed=processed,
        referenced_tables=[None] * tables,
    )


class Jobs:
    """BigQuery's list of jobs: a script, and its statements."""

    def __init__(self, *statements: SimpleNamespace) -> None:
        self.statements = statements
        self.settings, self.client = SimpleNamespace(pipeline="certify"), self

    def list_jobs(self, parent_job: str | None = None, **_options: Any) -> list[SimpleNamespace]:
        scripts = [job("other"), job("certify_publish_2"), job("certify_publish_1")]
        assert parent_job in (None, "certify_publish_2")
        return list(self.statements) if parent_job else scripts


def asked(*statements: SimpleNamespace) -> str:
    jobs: Any = Jobs(*statements)
    return Batches(jobs).questions()["bytes billed are the meter's"](jobs)


def test_what_was_billed_stands_beside_the_meters_rules() -> None:
    jobs: Any = Jobs(job("a", LEAST_BYTES, 5, 1), job("b", 3 * LEAST_BYTES, 3 * LEAST_BYTES - 1, 1))
    assert [(s.billed, s.expected) for s in billed_statements(jobs)] == [
        (LEAST_BYTES, LEAST_BYTES),
        (3 * LEAST_BYTES, 3 * LEAST_BYTES),
    ]
    assert "1 statements of the last batch" in asked(job("a", LEAST_BYTES, 5, 1))


def test_a_statement_billed_beyond_the_rules_is_a_failure_and_so_is_no_list() -> None:
    with pytest.raises(Broken, match="more was billed"):
        asked(job("a", 2 * LEAST_BYTES, 5, 1))
    with pytest.raises(Broken, match="no statements"):
        asked()
