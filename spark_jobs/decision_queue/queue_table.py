"""The queue in the warehouse: asking, what waits, what became of it.

Belongs here: its statements. Does not belong here: carrying a request out (carrying_out). Nothing here changes a table
that a batch changes. What is looked at while nothing is asked for is a table's metadata, which BigQuery does not bill.
"""

import json
from typing import TYPE_CHECKING

from spark_jobs.decision_queue.request import Kind, Progress, Request
from spark_jobs.incidents import Incident, IncidentKind, one_line
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import DECISION_OUTCOMES, DECISION_REQUESTS, Table
from spark_jobs.tables.names import table_id
from spark_jobs.tables.request_tables import Portion, State
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.retries import bounds, failures_as_incidents
from spark_jobs.warehouse.transactions import run_to_its_end

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


@failures_as_incidents()
def ask(client: "Client", settings: JobSettings, request: Request) -> None:
    """Write the request down, once.

    Raises:
        Incident: it could not be.
    """
    columns = ", ".join(column.name for column in DECISION_REQUESTS.columns)
    sql = f"""
        insert into `{table_id(settings, DECISION_REQUESTS)}` ({columns})
        values (@request_id, @pipeline, @kind, @arguments, @requested_by, @reason, current_timestamp())
        """
    values = {
        "request_id": request.request_id,
        "pipeline": settings.pipeline,
        "kind": str(request.kind),
        "arguments": json.dumps(request.arguments),
        "requested_by": request.requested_by,
        "reason": request.reason,
    }
    answer = run_to_its_end(client, sql, values, f"{settings.pipeline}_ask_{request.request_id}")
    if isinstance(answer, Exception) and not _is_asked(client, settings, request.request_id):
        raise Incident(
            IncidentKind.WAREHOUSE_FAILED,
            f"the request could not be written down, and nothing is decided: {one_line(answer)}",
        )


def _is_asked(client: "Client", settings: JobSettings, request_id: str) -> bool:
    sql = f"select 1 as found from `{table_id(settings, DECISION_REQUESTS)}` where request_id = @request_id"
    return bool(run(client, sql, {"request_id": request_id}))


def oldest_waiting(client: "Client", settings: JobSettings) -> Request | None:
    """The request that is next; None where none waits. A kind of a later product's waits for that."""
    sql = f"""
        select r.* from `{table_id(settings, DECISION_REQUESTS)}` as r
        where r.pipeline = @pipeline and r.kind in ({", ".join(f"'{kind}'" for kind in Kind)}) and not exists (
            select 1 from `{table_id(settings, DECISION_OUTCOMES)}` as o
            where o.request_id = r.request_id and o.state != '{State.PORTION}')
        order by r.requested_at, r.request_id limit 1
        """
    rows = run(client, sql, {"pipeline": settings.pipeline})
    return Request.of(rows[0]) if rows else None


def progress_of(client: "Client", settings: JobSettings, request_id: str) -> Progress:
    """How far a request has come."""
    sql = f"""
        select * from `{table_id(settings, DECISION_OUTCOMES)}` where request_id = @request_id order by portion
        """
    return Progress.of(run(client, sql, {"request_id": request_id}))


@failures_as_incidents()
def conclude(
    client: "Client", settings: JobSettings, request: Request, portion: Portion, state: State, detail: str
) -> None:
    """Write down that nothing more will come of a request: once, and an erasure's account is forgotten."""
    columns = ", ".join(column.name for column in DECISION_OUTCOMES.columns)
    outcomes = f"`{table_id(settings, DECISION_OUTCOMES)}`"
    sql = f"""
        insert into {outcomes} ({columns})
        select @request_id, @portion, @state, @portion_decided, @detail, @epoch, current_timestamp()
        from unnest([1])
        where not exists (
            select 1 from {outcomes}
            where request_id = @request_id and (portion >= @portion or state != '{State.PORTION}'))
        """
    run(client, sql, portion.values(state, 0, detail))
    if request.kind is Kind.ERASURE:
        table = f"`{table_id(settings, DECISION_REQUESTS)}`"
        forget = f"update {table} set arguments = null where request_id = @request_id"
        run(client, forget, {"request_id": request.request_id})


def row_count(client: "Client", settings: JobSettings, table: Table) -> int:
    """How many rows one of the two tables has, by its metadata: one request, billed 0 bytes."""
    return int(client.get_table(table_id(settings, table), **bounds()).num_rows or 0)
