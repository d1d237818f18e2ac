"""A backup's statements: one moment for every table. The page shows them, and the documents' SQL is analyzed."""

from datetime import UTC, datetime, timedelta, timezone

from handbook import markdown
from handbook.links import ROOT
from spark_jobs.backups.statements import clone_sql, snapshot_sql

MOMENT = datetime(2026, 11, 29, 1, 2, 3, 456789, tzinfo=UTC)
LEDGER, COPY = "acme-payments.payment_data.batch_ledger", "acme-payments.payment_data_20261129.batch_ledger"


def test_a_snapshot_is_of_the_moment_to_the_microsecond_whatever_its_zone() -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=9)))
    sql = snapshot_sql(LEDGER, COPY, elsewhere)
    assert sql == snapshot_sql(LEDGER, COPY, MOMENT)
    assert sql.endswith("for system_time as of timestamp '2026-11-29 01:02:03.456789+00'")


def test_the_page_shows_what_is_sent() -> None:
    page = (ROOT / "docs" / "day-two.md").read_text(encoding="utf-8")
    shown = [" ".join(" ".join(block.lines).rstrip(";").split()) for block in markdown.blocks(page)]
    assert snapshot_sql(LEDGER, COPY, MOMENT) in shown
    assert clone_sql(COPY, LEDGER) in shown
