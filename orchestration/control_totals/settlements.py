"""Loading a provider's settlement report: its days replace what the same provider said of them, all or nothing.

Belongs here: the one transaction, and what refuses it. Does not belong here: the report (settlement_file).
"""

from typing import TYPE_CHECKING, Any

from orchestration.control_totals.settlement_file import SettlementReport
from orchestration.errors import CommandError
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog

if TYPE_CHECKING:
    from google.cloud import bigquery


def settlement_sql(table: str) -> str:
    """The transaction, over `@rows`."""
    columns = ", ".join(column.name for column in catalog.SETTLEMENT_TOTALS.columns)
    given = {"reported_at": "current_timestamp()", "day": "cast(r.day as date)"}
    values = ", ".join(given.get(c.name, f"r.{c.name}") for c in catalog.SETTLEMENT_TOTALS.columns)
    return f"""
        begin transaction;
        delete from `{table}`
            where source = @source and day in (select cast(gone.day as date) from unnest(@rows) as gone);
        insert into `{table}` ({columns}) select {values} from unnest(@rows) as r;
        commit transaction;
        """


def load_settlement(client: "bigquery.Client", settings: JobSettings, report: SettlementReport) -> bool:
    """Take a report in; False where this very one is loaded already.

    Raises:
        CommandError: another provider reports by days of another zone.
    """
    from spark_jobs.tables.names import table_id
    from spark_jobs.warehouse.client import run

    table = table_id(settings, catalog.SETTLEMENT_TOTALS)
    others = f"select distinct source, zone from `{table}` where source != @source or zone != @zone order by source"
    for other in run(client, others, {"source": report.source, "zone": report.zone}):
        if other["zone"] != report.zone:
            raise CommandError(
                f"{other['source']} has reported by days in {other['zone']}: days in {report.zone} cannot be added "
                "to those. Nothing was loaded."
            )
    same = {"source": report.source, "report": report.sha256, "mapping": report.rows[0]["mapping_sha256"]}
    loaded = f"""
        select count(*) as row_count from `{table}`
        where source = @source and report_sha256 = @report and mapping_sha256 = @mapping
        """
    [found] = run(client, loaded, same)
    if found["row_count"] == len(report.rows):
        return False
    rows: list[dict[str, Any]] = report.rows
    run(client, settlement_sql(table), {"source": report.source, "rows": rows})
    return True
