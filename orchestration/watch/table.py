"""The table that the watch keeps, and what it asks of the ledger and of the health rows.

Belongs here: those statements. Does not belong here: what the rows mean (rules, verdict). On BigQuery each statement is
billed for 10 MB a table, the least there is, as long as what it reads is less; what it reads is said at each. Rows are
written by a MERGE, not by load jobs: a table takes 1,500 of those a day, a day has 1,440 minutes, and DML has no such
limit.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestration.watch.rules import Observation
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

PROBE_SECONDS = 10.0

_COLUMNS = [field.name for field in fields(Observation)]


def probe(client: "Client", settings: JobSettings) -> None:
    """Ask once for the table's own description, which is free: a warehouse that is away is told at once.

    Raises:
        Exception: of spark_jobs.warehouse.retries.failures().
    """
    from google.cloud.bigquery.retry import DEFAULT_RETRY

    retry = DEFAULT_RETRY.with_timeout(PROBE_SECONDS)
    client.get_table(table_id(settings, catalog.OBSERVATIONS), retry=retry, timeout=PROBE_SECONDS)


def read_observations(client: "Client", settings: JobSettings) -> list[Observation]:
    """What the look before saw: a dozen rows, some 2 kB."""
    from spark_jobs.warehouse.client import run

    sql = f"select {', '.join(_COLUMNS)} from `{table_id(settings, catalog.OBSERVATIONS)}` where pipeline = @pipeline"
    return [Observation(**row) for row in run(client, sql, {"pipeline": settings.pipeline})]


def write_observations(client: "Client", settings: JobSettings, rows: Sequence[Observation]) -> None:
    """Replace the rows of the pipeline in one statement, which reads what it replaces: some 2 kB.

    A thing that is no longer looked at keeps its row, which no longer counts: it is not of the newest look.
    """
    from spark_jobs.warehouse.client import run

    changed = [name for name in _COLUMNS if name not in ("metric", "subject")]
    sql = f"""
        merge `{table_id(settings, catalog.OBSERVATIONS)}` as kept
        using (select @pipeline as pipeline, seen.* from unnest(@seen) as seen) as seen
        on kept.pipeline = seen.pipeline and kept.metric = seen.metric and kept.subject = seen.subject
        when matched then update set {", ".join(f"{name} = seen.{name}" for name in changed)}
        when not matched then
            insert (pipeline, {", ".join(_COLUMNS)})
            values (seen.pipeline, {", ".join(f"seen.{name}" for name in _COLUMNS)})
        """
    run(client, sql, {"pipeline": settings.pipeline, "seen": [asdict(row) for row in rows]})


def forget_observations(client: "Client", settings: JobSettings) -> None:
    """Nobody watches from here on, and that is as it should be."""
    from spark_jobs.warehouse.client import run

    table = table_id(settings, catalog.OBSERVATIONS)
    run(client, f"delete from `{table}` where pipeline = @pipeline", {"pipeline": settings.pipeline})


def seconds_to_build_end(
    client: "Client", settings: JobSettings, batches: tuple[int, int], published_since: datetime, ended_at: datetime
) -> int | None:
    """The greatest 95th percentile, by batch, of the time from the broker's timestamp to `ended_at`.

    Reads 48 bytes a ledger row of the days since `published_since`: 2 MB a day with a batch every two seconds. Asked
    once a build.

    Args:
        client: the warehouse.
        settings: names the pipeline.
        batches: those after the first of the two, up to and with the second.
        published_since: older batches do not count.
        ended_at: when the build ended.
    """
    from spark_jobs.warehouse.client import run

    sql = f"""
        select
            cast(ceil(max(
                coalesce(latency_p95_seconds, 0) + timestamp_diff(@ended_at, published_at, millisecond) / 1000
            )) as int64) as seconds
        from `{table_id(settings, catalog.LEDGER)}`
        where published_at >= @published_since and pipeline = @pipeline
            and batch_id > @after and batch_id <= @last
        """
    values: dict[str, Any] = {
        "pipeline": settings.pipeline,
        "published_since": published_since,
        "ended_at": ended_at,
        "after": batches[0],
        "last": batches[1],
    }
    [row] = run(client, sql, values)
    return None if row["seconds"] is None else int(row["seconds"])
