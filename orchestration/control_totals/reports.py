"""What a sender reports: its control totals, from the manifest into the table `sender_control_totals`.

Belongs here: sending with a report, and loading a report once. Does not belong here: how totals are summed
(simulator.sending), what they are held against (dbt, verification).
"""

import threading
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.control_totals.csv_file import TotalsFile, write_totals
from orchestration.errors import CommandError
from orchestration.settings import StackSettings
from simulator.config import SimulationConfig
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.warehouse.job_labels import Work
from spark_jobs.warehouse.loads import load_rows

if TYPE_CHECKING:
    from google.cloud import bigquery

    from simulator.sending.manifest import Manifest
    from simulator.sending.simulate import Progress, Summary


def send_and_report(
    settings: StackSettings,
    config: SimulationConfig,
    manifest: Path | None,
    progress: "Progress | None" = None,
    stop: threading.Event | None = None,
) -> "tuple[Summary, Path]":
    """Send a simulation to the topic, which is created where missing, then load its control totals.

    Args:
        settings: where to.
        config: what to send.
        manifest: where to write it down; default: a new file below the home folder.
        progress: told how far it is.
        stop: once set, sending ends.

    Raises:
        CommandError: Kafka did not acknowledge, or the manifest cannot be written.

    Returns:
        What was acknowledged, and where the manifest is.
    """
    from local_stack.kafka import Broker
    from simulator.sending.manifest import read_manifest
    from simulator.sending.producer import ProducerError
    from simulator.sending.simulate import simulate
    from spark_jobs.warehouse.client import connect

    job = settings.job
    path = manifest or settings.home / "manifests" / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{config.seed}.jsonl"
    Broker(settings.home, job.bootstrap_servers).provide(job.topic)
    try:
        summary = simulate(config, job.bootstrap_servers, job.topic, path, progress=progress, stop=stop)
    except (ProducerError, OSError) as error:
        raise CommandError(str(error)) from error
    with connect(job, Work.TOTALS) as client:
        report(client, job, read_manifest(path))
    return summary, path


def write_file(manifest: Path, path: Path) -> None:
    """Write a manifest's control totals as a sender's file.

    Raises:
        CommandError: it cannot be written.
    """
    from simulator.sending.manifest import read_manifest

    try:
        write_totals(path, read_manifest(manifest).control_totals())
    except OSError as error:
        raise CommandError(f"The control totals cannot be written to {path}: {error.strerror}.") from None


def report(client: "bigquery.Client", settings: JobSettings, manifest: "Manifest") -> None:
    """Load a manifest's control totals; a report that is loaded again replaces itself."""
    load_report(client, settings, manifest.header.source, manifest.control_totals())


def load_report(
    client: "bigquery.Client", settings: JobSettings, source: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """One source's rows of `sender_control_totals`, taken in now: all at once, in place of what it reported before."""
    from spark_jobs.tables.names import STAGING_PREFIX, full_name, table_id
    from spark_jobs.warehouse.client import run
    from spark_jobs.warehouse.table_setup import schema_of
    from spark_jobs.warehouse.transactions import run_over_rows

    target, now = table_id(settings, catalog.CONTROL_TOTALS), datetime.now(UTC).isoformat()
    taken = [{**row, "reported_at": now} for row in rows]
    [known] = run(client, f"select count(*) as row_count from `{target}` where source = @source", {"source": source})
    if not known["row_count"]:
        if taken:
            load_rows(client, settings, catalog.CONTROL_TOTALS, taken, replace=False)
        return
    name = f"{STAGING_PREFIX}totals_{uuid.uuid4().hex}"
    staging = full_name(settings, name)
    statement = replaced_sql(target, staging), {"source": source}, f"{settings.pipeline}_{name}"
    failed = run_over_rows(client, staging, taken, schema_of(catalog.CONTROL_TOTALS), statement)
    if failed:
        raise failed


def replaced_sql(target: str, staging: str) -> str:
    """The transaction: whoever compares totals meanwhile sees the older report or this one, and never none."""
    columns = ", ".join(column.name for column in catalog.CONTROL_TOTALS.columns)
    return f"""
        begin transaction;
        delete from `{target}` where source = @source;
        insert into `{target}` ({columns}) select {columns} from `{staging}`;
        commit transaction;
        """


def load_file(client: "bigquery.Client", settings: JobSettings, report: TotalsFile) -> bool:
    """A sender's file, in place of what its source reported before; False where this very file is loaded already."""
    from spark_jobs.tables.names import table_id
    from spark_jobs.warehouse.client import run

    sql = f"""
        select count(*) as row_count from `{table_id(settings, catalog.CONTROL_TOTALS)}`
        where source = @source and report_sha256 = @report_sha256
        """
    [loaded] = run(client, sql, {"source": report.source, "report_sha256": report.sha256})
    if loaded["row_count"] == len(report.rows):
        return False
    load_report(client, settings, report.source, report.rows)
    return True
