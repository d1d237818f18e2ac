"""How long a lost checkpoint takes to be rebuilt from the warehouse, by the number of payments in the window.

Usage: python -m benchmarks.measurements.rebuilding [--payments N ...]. Writes the table into docs/reliability.md.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from google.cloud.bigquery import Client

from benchmarks.harness.figures import ROOT, measured, table, write_table
from benchmarks.harness.stack import stack
from spark_jobs.contract.payment_event import WATERMARK_DELAY
from spark_jobs.driver.generations import locations_of
from spark_jobs.publishing.control import Control
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.bigquery.published_ids import seed_state
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import connect, run
from spark_jobs.warehouse.table_setup import ensure_tables

ROWS_A_STATEMENT = 1_000_000


def publish(client: Client, settings: JobSettings, first: int, count: int, until: datetime, total: int) -> None:
    """Payments as a batch would have left them, spread evenly over the window before `until`."""
    given = {
        "transaction_id": "concat('payment-', cast(n as string))",
        "event_time": "timestamp_sub(@until, interval div(n * 3600000000, @total) microsecond)",
        "sender_account_id": "'sender'",
        "receiver_account_id": "'receiver'",
        "amount": "numeric '12.3'",
        "currency": "'EUR'",
        "amount_minor": "1230",
        "value_sha256": "sha256(cast(n as string))",
        "topic": "'payment-events'",
        "kafka_partition": "0",
        "kafka_offset": "n",
        "kafka_timestamp": "@until",
        "batch_id": "1",
    }
    columns = [column.name for column in catalog.TRANSACTIONS.columns if column.name in given]
    sql = f"""
        insert into `{table_id(settings, catalog.TRANSACTIONS)}` ({", ".join(columns)})
        select {", ".join(given[name] for name in columns)} from unnest(generate_array(@first, @last)) as n
        """
    run(client, sql, {"first": first, "last": first + count - 1, "until": until, "total": total})


def measure(client: Client, settings: JobSettings, payments: int) -> tuple[float, int]:
    """Seconds to rebuild the state of so many payments, and how many ids it then knows."""
    settings = replace(settings, dataset=f"rebuilding_{payments}")
    ensure_tables(client, settings)
    until = datetime.now(UTC)
    for first in range(0, payments, ROWS_A_STATEMENT):
        publish(client, settings, first, min(ROWS_A_STATEMENT, payments - first), until, payments)
    control = Control(
        pipeline=settings.pipeline,
        topic=settings.topic,
        topic_id="",
        epoch=1,
        holder="",
        generation=f"rebuilt{payments}",
        last_batch_id=1,
        end_offsets={0: payments},
        watermark=until - WATERMARK_DELAY + timedelta(microseconds=1),
        updated_at=until,
    )
    began = time.monotonic()
    known = seed_state(client, settings, control, locations_of(settings, control.generation))
    return time.monotonic() - began, known


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, nargs="+", default=[1_000_000, 10_000_000])
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder)) as (settings, _), connect(settings) as client:
        for payments in options.payments:
            seconds, known = measure(client, settings, payments)
            rows.append([f"{payments:,}", f"{seconds:.1f}", f"{known:,}"])
    columns = ["payments in the window", "seconds to rebuild", "ids known again"]
    shown = measured(", the warehouse on the same machine") + table(columns, rows)
    print(shown)  # noqa: T201 - this is a command
    write_table(ROOT / "docs" / "reliability.md", "rebuilding", shown)


if __name__ == "__main__":
    main()
