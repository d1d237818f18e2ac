"""A transaction over rows that are not in the warehouse yet: they go into a staging table of their own first.

Belongs here: loading them, running the transaction, dropping the table. Does not belong here: a micro-batch's files
(sinks.bigquery), what the rows say.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.retries import bounds, contended_table, failures, settle, wait_for, waited_out

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, SchemaField

_ASSERT = re.compile(r"\bassert\s+(.*?)\s+as\s+('[^']*')\s*;", re.DOTALL)


def run_over_rows(
    client: "Client",
    staging: str,
    rows: Sequence[dict[str, Any]],
    schema: Sequence["SchemaField"],
    statement: tuple[str, dict[str, Any], str],
) -> Exception | None:
    """What went wrong, once it can have no more effect; None does not prove success.

    Args:
        client: of the warehouse.
        staging: the staging table's full name.
        rows: what goes into it, as JSON has it.
        schema: its columns.
        statement: the transaction's text, its values by name, and the id of its job.

    Raises:
        Exception: one of jobs.failures(), where nobody can say whether the job is over; the table is left then.
    """
    _load(client, staging, rows, schema)
    answer = run_to_its_end(client, *statement)
    with suppress(*failures()):
        client.delete_table(staging, not_found_ok=True, **bounds())
    return answer if isinstance(answer, Exception) else None


def _load(client: "Client", staging: str, rows: Sequence[dict[str, Any]], schema: Sequence["SchemaField"]) -> None:
    from google.cloud import bigquery

    config = bigquery.LoadJobConfig(schema=schema, write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE)
    load = partial(client.load_table_from_json, rows, staging, job_config=config, timeout=bounds()["timeout"])
    wait_for(load())


Rows = list[dict[str, Any]]


def run_to_its_end(client: "Client", sql: str, values: dict[str, Any], job_id: str) -> Rows | Exception:
    """Run a statement under an id; its rows, or what went wrong, once it can have no more effect.

    No exception does not prove success: the rows may. What is refused for concurrency is sent again, under an id of its
    own.

    Raises:
        Incident: it was refused for concurrency again and again (retries).
        Exception: one of jobs.failures(), where nobody can say whether the job is over.
    """

    def attempt(refused: int) -> Rows | Exception:
        return _run_once(client, sql, values, f"{job_id}_again{refused}" if refused else job_id)

    return waited_out(attempt)


def _run_once(client: "Client", sql: str, values: dict[str, Any], job_id: str) -> Rows | Exception:
    try:
        return run(client, sql, values, job_id)
    except failures() as error:
        settle(client, job_id)
        if contended_table(error):
            raise
        if _refuses_assert(error) and (plain := without_assert(sql)) != sql:
            return _run_once(client, plain, values, f"{job_id}_plain")
        return error


def without_assert(sql: str) -> str:
    """The script with each ASSERT as a SELECT that fails likewise: a transaction's documentation names only that.

    Every ASSERT of ours ends in `as '...';`.
    """
    return _ASSERT.sub(r"select if(\1, true, error(\2));", sql)


def _refuses_assert(error: Exception) -> bool:
    # A failed ASSERT says nothing but its description, and none of ours has these words.
    stated = str(getattr(error, "message", error)).lower()
    return "assert" in stated and ("transaction" in stated or "support" in stated)
