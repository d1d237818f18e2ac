"""BigQuery, as the streaming job sees it: the client, the tables, the control row.

Belongs here: connecting, creating tables, reading and raising the control row. Does not belong here: publishing a
batch (sinks.bigquery). google.cloud is imported inside functions: it is slow to import, and orchestration only asks
for names.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from spark_jobs.crash_points import Point, crash_point
from spark_jobs.settings import JobSettings
from spark_jobs.warehouse.job_labels import Work
from spark_jobs.warehouse.job_limits import most_bytes, prepare_jobs
from spark_jobs.warehouse.retries import begin, bounds, rows_of, waited_out

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, QueryJob, QueryJobConfig


PAGE_ROWS = 10_000


def connect(settings: JobSettings, work: Work = Work.PLATFORM) -> "Client":
    """A client of the warehouse: BigQuery itself, or the emulator without credentials. Its jobs say what for."""
    client = _client(settings)
    prepare_jobs(client, settings.pipeline, work, most_bytes(settings, work))
    return client


def _client(settings: JobSettings) -> "Client":
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    if settings.emulator_host is None:
        return bigquery.Client(project=settings.project, location=settings.location)
    return bigquery.Client(
        project=settings.project,
        location=settings.location,
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": settings.emulator_host},
    )


def run(
    client: "Client", sql: str, parameters: dict[str, Any], job_id: str | None = None, session_id: str | None = None
) -> list[dict[str, Any]]:
    """Run a statement or script and return its rows as dicts. Values travel as parameters, never as text.

    Without an id of ours it is sent again where it was refused for concurrency.
    """
    query = _query(client, sql, parameters, session_id)
    if job_id is None:
        # It is left to the client to name the job, and it finds its own again by itself.
        return waited_out(lambda _: _rows(query()))
    job = begin(client, job_id, partial(query, job_id=job_id))
    crash_point(Point.COMMIT_SENT)
    return _rows(job)


def _rows(job: "QueryJob") -> list[dict[str, Any]]:
    # With a page's size the client asks for the end of the job and for its rows at once.
    return [dict(row.items()) for row in rows_of(job, PAGE_ROWS)]


def stream(
    client: "Client", sql: str, parameters: dict[str, Any], page_rows: int, session_id: str | None = None
) -> Iterator[Any]:
    """The rows of a query, read by pages of so many."""
    return iter(rows_of(_query(client, sql, parameters, session_id)(), page_rows))


def _query(
    client: "Client", sql: str, parameters: dict[str, Any], session_id: str | None = None
) -> partial["QueryJob"]:
    from google.cloud.bigquery import ConnectionProperty

    config = with_values(parameters)
    if session_id:
        config.connection_properties = [ConnectionProperty("session_id", session_id)]
    return partial(client.query, sql, job_config=config, job_retry=None, **bounds())


def with_values(parameters: Mapping[str, Any]) -> "QueryJobConfig":
    """The configuration of a query with these values by name; a list is of rows, each a dict."""
    from google.cloud.bigquery import QueryJobConfig

    return QueryJobConfig(query_parameters=[_parameter(name, value) for name, value in parameters.items()])


def type_of(value: Any) -> str:
    """BigQuery's name for the type that a value travels as."""
    from decimal import Decimal

    if isinstance(value, bool):
        return "BOOL"
    names = {int: "INT64", float: "FLOAT64", Decimal: "NUMERIC", datetime: "TIMESTAMP", date: "DATE", str: "STRING"}
    return names.get(type(value), "TIMESTAMP" if value is None else "STRING")


def _parameter(name: str, value: Any) -> Any:
    from google.cloud import bigquery

    if isinstance(value, list):
        return bigquery.ArrayQueryParameter(name, "STRUCT", [_struct(None, row) for row in value])
    return bigquery.ScalarQueryParameter(name, type_of(value), value)


def _struct(name: str | None, row: Mapping[str, Any]) -> Any:
    from google.cloud import bigquery

    return bigquery.StructQueryParameter(
        name, *(bigquery.ScalarQueryParameter(k, type_of(v), v) for k, v in row.items())
    )
