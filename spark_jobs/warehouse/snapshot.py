"""One moment of the warehouse, held while it is read: a transaction that only reads, in a session of its own.

Belongs here: opening and ending it. Does not belong here: what is read in it (orchestration.verification).
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.retries import bounds, failures, rows_of

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


@contextmanager
def snapshot(client: "Client") -> Iterator[str]:
    """The id of a session whose queries all see the warehouse as it was when the first of them began.

    Queries of one session run one after the other. Nothing waits for it, and it waits for nobody: it only reads.
    """
    from google.cloud.bigquery import QueryJobConfig

    opening = client.query(
        "begin transaction", job_config=QueryJobConfig(create_session=True), job_retry=None, **bounds()
    )
    rows_of(opening)
    session = opening.session_info
    if session is None or session.session_id is None:
        raise ConnectionError("the warehouse opened no session for reads of one moment")
    session_id = session.session_id
    try:
        yield session_id
    finally:
        # It ends its transaction as well. One that is left ends by itself, after a day on BigQuery.
        with suppress(*failures()):
            run(client, "call bq.abort_session()", {}, session_id=session_id)
