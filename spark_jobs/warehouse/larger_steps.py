"""Steps of a migration that rewrite what is stored: what they would read, and running them when a person asks.

Belongs here: `payments migrate`. Does not belong here: what is added at every start (table_setup), the statements
themselves (tables).
"""

import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import CONTROL
from spark_jobs.tables.migrations import MIGRATIONS, Migration, pending
from spark_jobs.tables.names import sql_names, table_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.retries import bounds
from spark_jobs.warehouse.table_setup import add, conclude, look, make_missing

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


def statements_of(settings: JobSettings, migration: Migration) -> list[str]:
    """The migration's statements, as they are sent."""
    names = sql_names(settings)
    return [statement.format(**names) for statement in migration.statements]


def bytes_read(client: "Client", statement: str) -> int | None:
    """How much a statement would read; None where the warehouse cannot say, as of a column that is still to come."""
    from google.api_core.exceptions import BadRequest
    from google.cloud.bigquery import QueryJobConfig

    config = QueryJobConfig(dry_run=True, use_query_cache=False)
    try:
        job = client.query(statement, job_config=config, job_retry=None, **bounds())
    except BadRequest:
        return None
    return int(job.total_bytes_processed or 0)


def migrate(
    client: "Client",
    settings: JobSettings,
    say: Callable[[Migration], None],
    migrations: Sequence[Migration] = MIGRATIONS,
) -> int | None:
    """Bring the dataset to the newest version, larger steps too. Returns the version that it was of; None for none.

    Before the first larger step the epoch is raised, so that a run at work publishes nothing more and stops.

    Raises:
        Incident: SCHEMA_VERSION, where the dataset is of a newer version.
    """
    found = look(client, settings, migrations)
    make_missing(client, settings, found, migrations)
    due = pending(found.version, migrations) if found.version else []
    if any(migration.is_larger for migration in due):
        _fence(client, settings)
    for migration in due:
        add(client, settings, migration)
        for statement in statements_of(settings, migration):
            run(client, statement, {}, f"migrate_{migration.version}_{uuid.uuid4().hex}")
        conclude(client, settings, migration.version, migration.description)
        say(migration)
    return found.version


def _fence(client: "Client", settings: JobSettings) -> None:
    sql = f"""
        update `{table_id(settings, CONTROL)}`
        set epoch = epoch + 1, holder = @holder, updated_at = current_timestamp() where true
        """
    run(client, sql, {"holder": f"migrate{uuid.uuid4().hex[:12]}"})
