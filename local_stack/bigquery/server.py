"""Runs local-bigquery. A script for the warehouse's own environment, which has none of our packages.

Belongs here: what has to be put right before local-bigquery starts. Does not belong here: what makes it quicker
(patches), anything that our own environment imports.
"""

import argparse
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local_stack.bigquery.patches.registry import Patch

_EXTENSIONS = ("ducklake", "icu", "json", "parquet", "sqlite_scanner")
_SHUTDOWN_SECONDS = 10
_MENDED = {
    "local_bigquery.jobs.query:execute": "4ac0c989b055",
    "local_bigquery.sql.rules.ddl:split": "95169d6f6545",
    "local_bigquery.catalog.metadata:save": "68a0c5c20006",
    "local_bigquery.catalog.metadata:delete": "e7d67bbe88a0",
    "local_bigquery.jobs.store:load": "1774f3aa3970",
    "local_bigquery.jobs.store:delete": "8e30a6a8fbb9",
    "local_bigquery.jobs.store:save": "6625157d08cc",
    "local_bigquery.jobs.runner:_done": "327204021e88",
    "local_bigquery.jobs.runner:_execute": "9841c85c6393",
}
"""The functions in which a fault is mended, or at which maintenance waits, each with its fingerprint."""


def main() -> None:
    """Serve until SIGTERM."""
    options = _parse_options()
    # Last, and only for the patches.
    sys.path.append(str(Path(__file__).parents[2]))
    from local_bigquery.engine import database
    from local_bigquery.settings import settings

    from local_stack.bigquery import object_store
    from local_stack.bigquery.maintenance import expiry, gate, rebuilding, thread

    patches = _patches_that_fit(options.patches)
    settings.bigquery_host = options.host
    settings.bigquery_port = options.port
    settings.data_dir = options.data_dir
    settings.default_project_id = options.project
    # DuckDB's own schema: otherwise a dataset that nobody asked for appears.
    settings.default_dataset_id = "main"
    _import_extensions()
    _leave_out_geography()
    _name_what_was_created()
    _make_and_fill_at_once()
    _end_what_was_running()
    _run_one_job_of_an_id()
    for patch in patches:
        patch.install()
    if options.object_store:
        object_store.install(options.object_store)
    merging_gate = gate.MergingGate()
    gate.install(merging_gate)
    own_tables = rebuilding.Rebuilding()
    own_tables.install()
    _bound_memory(options.memory)
    for project_id in database.projects():
        expiry.delete_what_a_killed_server_left(project_id)

    import uvicorn

    # No gRPC server: its Storage API is slow, and nothing of ours needs it.
    with thread.Maintenance(options.keep_minutes * 60, merging_gate, own_tables).running():
        uvicorn.run(
            "local_bigquery:app",
            host=options.host,
            port=options.port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        )


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--keep-minutes", type=float, default=60.0)
    parser.add_argument("--memory", default="1GB", help="what DuckDB may hold, such as 1GB")
    parser.add_argument("--object-store", default="", help="a stand-in for Cloud Storage that loads read from")
    parser.add_argument("--patches", default="all", help="all, none, or a comma list of names")
    options = parser.parse_args()
    if not ip_address(options.host).is_loopback:
        parser.error(f"{options.host} is not a loopback address, and this server has no authentication")
    return options


def _patches_that_fit(setting: str) -> "tuple[Patch, ...]":
    """Those that are chosen; ends the process, by one line, where they or what is mended here do not fit any more."""
    from local_stack.bigquery.patches.originals import difference
    from local_stack.bigquery.patches.registry import chosen, problem

    if found := difference(_MENDED):
        sys.exit(f"What is mended in local-bigquery has changed: {found}. Run `make setup`.")
    try:
        patches = chosen(setting)
    except ValueError as error:
        sys.exit(str(error))
    if wrong := problem(patches):
        sys.exit(wrong)
    return patches


def _import_extensions() -> None:
    """Copy DuckDB's extensions out of their wheels, so that DuckDB does not look for them on the network."""
    from duckdb_extensions import import_extension

    for name in _EXTENSIONS:
        import_extension(name)


def _bound_memory(limit: str) -> None:
    """DuckLake keeps the whole catalog of each state of the schema until DuckDB's limit, 80 % of the machine, is met.

    Each table that is made or dropped is such a state (https://github.com/duckdb/ducklake/issues/852). What
    a query needs beyond the limit goes to disk.
    """
    from local_bigquery.engine import database
    from local_bigquery.settings import settings

    aside = str(settings.data_dir / "aside").replace("'", "''")
    with database.cursor() as cursor:
        cursor.execute(f"set memory_limit = '{limit}'; set temp_directory = '{aside}'")


def _leave_out_geography() -> None:
    """Its functions need an extension that would be downloaded at the first connection."""
    from local_bigquery.engine import database

    database.FUNCTIONS = [path for path in database.FUNCTIONS if path.name != "geography.sql"]


def _name_what_was_created() -> None:
    """Let a CREATE TABLE AS SELECT job name its table as destination, as in BigQuery: dbt-bigquery reads it."""
    from local_bigquery.jobs import query

    execute = query.execute

    def execute_with_destination(*args: Any, **options: Any) -> tuple[Any, Any, Any]:
        statistics, children, destination = execute(*args, **options)
        if destination is None and statistics.statementType == "CREATE_TABLE_AS_SELECT":
            destination = statistics.ddlTargetTable
        return statistics, children, destination

    query.execute = execute_with_destination


def _make_and_fill_at_once() -> None:
    """Make a table of declared columns in one statement, unless a column must not be NULL, which only two can say.

    Of two, the second fills the table: whoever reads in between finds it empty, as does the query itself where the
    table is made of what it held.
    """
    from local_bigquery.sql.rules import ddl
    from sqlglot import exp

    split = ddl.split

    def split_less(tree: Any) -> list[Any]:
        parts: list[Any] = split(tree)
        if [type(part) for part in parts] != [exp.Create, exp.Insert]:
            return parts
        columns, query = tree.this.expressions, tree.expression.unnest()
        # Options, such as a description, are kept by another part of local-bigquery.
        has_rules = any(not isinstance(rule.kind, exp.Properties) for column in columns for rule in column.constraints)
        if has_rules or query.named_selects != [column.name for column in columns]:
            return parts
        typed = (
            exp.cast(exp.column(c.name, quoted=True), c.args["kind"].copy()).as_(c.name, quoted=True) for c in columns
        )
        made = tree.copy()
        made.set("this", tree.this.this.copy())
        made.set("expression", exp.select(*typed).from_(query.copy().subquery("made")))
        return [made]

    ddl.split = split_less


def _end_what_was_running() -> None:
    """Let jobs fail that a killed server left: their rows say RUNNING for ever, and whoever asks would wait so long."""
    from local_bigquery.catalog import metadata
    from local_bigquery.errors import BigQueryError
    from local_bigquery.jobs import runner, store

    load, started_ms = store.load, int(metadata.now())

    def load_ended(project_id: str, job_id: str) -> Any:
        job = load(project_id, job_id)
        if job and job.status.state != "DONE" and int(job.statistics.creationTime) < started_ms:
            error = BigQueryError("stopped", "the server was stopped while the job ran")
            return runner._done(job, job.statistics, error)
        return job

    store.load = load_ended


def _run_one_job_of_an_id() -> None:
    """Where several ask for a job of one id at once, let one have it: each found none, and all of them would run."""
    from local_bigquery.engine import database
    from local_bigquery.errors import already_exists
    from local_bigquery.jobs import store

    save, load = store.save, store.load

    def save_once(job: Any) -> Any:
        if job.status.state != "PENDING":
            return save(job)
        key = job.jobReference.projectId, job.jobReference.jobId
        with database.writing("emulator", "jobs"):
            if load(*key):
                raise already_exists("Job", ":".join(key))
            return save(job)

    store.save = save_once


if __name__ == "__main__":
    main()
