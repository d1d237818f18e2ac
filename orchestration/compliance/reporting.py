"""Making a day's report, keeping it, and signing it off.

Belongs here: reading and writing. Does not belong here: what stands in it (sections), its form (day_report).
"""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchestration.compliance.day_report import Report, of_text
from orchestration.compliance.sections import SECTIONS, Section
from orchestration.verification.warehouse_reads import WarehouseReads
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import DAY_REPORTS
from spark_jobs.tables.row_types import Row
from spark_jobs.utc_days import beginning_of

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


def make(client: "Client", settings: JobSettings, day: date, made_by: str, now: datetime) -> Report:
    """The report of a day as everything is now, all of one moment."""
    since = beginning_of(day)
    values = {"day": day.isoformat(), "since": since, "until": since + timedelta(days=1)}
    with WarehouseReads(client, settings).at_one_moment() as reads:
        found = {
            section.name: _rows(reads, section, values) if not section.view or reads.is_built(section.view) else None
            for section in SECTIONS
        }
    return Report.of_rows(day, now, made_by, found)


def keep(client: "Client", settings: JobSettings, report: Report, signed_by: str = "", note: str = "") -> None:
    """Write it down, signed off or not. What is kept is never changed: a later report of the day stands beside it."""
    from spark_jobs.tables.names import table_id
    from spark_jobs.warehouse.client import run

    sql = f"""
        insert into `{table_id(settings, DAY_REPORTS)}` (day, made_at, made_by, report, report_sha256, signed_by, note)
        values (cast(@day as date), @made_at, @made_by, @report, @report_sha256, nullif(@signed_by, ''),
            nullif(@note, ''))
        """
    values = {
        "day": report.day,
        "made_at": datetime.fromisoformat(report.made_at),
        "made_by": report.made_by,
        "report": report.as_text(),
        "report_sha256": report.sha256(),
        "signed_by": signed_by,
        "note": note,
    }
    run(client, sql, values)


def kept(client: "Client", settings: JobSettings, day: date) -> tuple[Report | None, list[Row]]:
    """The newest report of a day, and who signed it off.

    Raises:
        ValueError: what is kept is not what its hash was made of.
    """
    from spark_jobs.tables.names import table_id
    from spark_jobs.warehouse.client import run

    sql = (
        f"select * from `{table_id(settings, DAY_REPORTS)}` where day = cast(@day as date) order by made_at, signed_by"
    )
    rows = run(client, sql, {"day": day.isoformat()})
    if not rows:
        return None, []
    report = of_text(rows[-1]["report"])
    if report.sha256() != rows[-1]["report_sha256"]:
        raise ValueError(f"The report of {day} is not what its hash was made of: somebody changed it.")
    same = [row for row in rows if row["report_sha256"] == rows[-1]["report_sha256"] and row["signed_by"]]
    return report, same


def _rows(reads: WarehouseReads, section: Section, values: dict[str, Any]) -> list[Row]:
    return reads.read(section.sql, **{name: value for name, value in values.items() if f"@{name}" in section.sql})
