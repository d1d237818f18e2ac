"""Delta as Spark SQL reads it, beside the warehouse: one question to both, and where the answers differ.

Belongs here: the question, asking it twice. Does not belong here: what becomes of the answer (orchestration/checks).
Delta is written by delta-rs and read here by Delta's own library: a table that only its writer can read would show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spark_jobs.publishing.control import Control
from spark_jobs.retention.kept import Kept
from spark_jobs.retention.marks import read_kept
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.delta.tables import METRICS, uri_of
from spark_jobs.tables import catalog as tables
from spark_jobs.tables.columns import Table
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.control_row import read_control
from spark_jobs.warehouse.snapshot import snapshot

if TYPE_CHECKING:
    from google.cloud.bigquery import Client
    from pyspark.sql import SparkSession

QUESTIONS = {
    "deliveries": """
        select kafka_partition, disposition, coalesce(currency, '') as currency, count(*) as record_count,
            min(kafka_offset) as min_offset, max(kafka_offset) as max_offset,
            sum(cast(coalesce(amount_minor, 0) as {numeric})) as amount_minor
        from {payment_deliveries} where batch_id <= {batch_id} and {is_delivery_kept}
        group by kafka_partition, disposition, coalesce(currency, '')
        """,
    "payments": """
        select currency, count(*) as payment_count, count(distinct transaction_id) as ids,
            sum(cast(amount_minor as {numeric})) as amount_minor, sum(amount) as amount
        from {payment_transactions} where batch_id <= {batch_id} and {is_payment_kept} group by currency
        """,
    "batches": """
        select batch_id, delivered, unique_count, duplicate_count, late_count, quarantined_count,
            coalesce(ignored_count, 0) as ignored_count, start_offsets, end_offsets
        from {batch_metrics} where batch_id <= {batch_id}
        """,
}
"""In the SQL that Spark and BigQuery share; money by disposition, currency and partition. Of rows that have expired in
the warehouse neither is asked: Delta keeps them."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far Delta is, and the rows that only one of the two has, by question."""

    batch_id: int
    rows: int
    only_in_delta: Mapping[str, Sequence[tuple[Any, ...]]]
    only_in_warehouse: Mapping[str, Sequence[tuple[Any, ...]]]

    @property
    def agrees(self) -> bool:
        """Whether the two say the same."""
        return not any(self.only_in_delta.values()) and not any(self.only_in_warehouse.values())


MAX_READINGS = 3
"""How often both are asked where somebody corrects or erases between the two: older batches change by nothing else."""

type Answers = dict[str, set[tuple[Any, ...]]]


def compare(spark: "SparkSession", client: "Client", settings: JobSettings) -> Comparison:
    """Ask both of everything up to the newest batch that the warehouse has published.

    The warehouse answers as of one moment. Delta is asked after it: what it has got in the meantime is newer than that
    batch, or a decision, and then both are asked again.

    Args:
        spark: a session that has Delta's jars.
        client: the warehouse.
        settings: where both are.
    """
    for _ in range(MAX_READINGS):
        control, kept, in_warehouse = _of_the_warehouse(client, settings)
        newest = control.last_batch_id if control else 0
        in_delta = _of_delta(spark, settings, newest, kept)
        if _decisions(control) == _decisions(read_control(client, settings)):
            break
    return Comparison(
        newest,
        sum(map(len, in_warehouse.values())),
        {about: sorted(in_delta[about] - in_warehouse[about], key=str) for about in QUESTIONS},
        {about: sorted(in_warehouse[about] - in_delta[about], key=str) for about in QUESTIONS},
    )


def _decisions(control: Control | None) -> tuple[int, int] | None:
    return (control.correction_count, control.erasure_count) if control else None


def _of_the_warehouse(client: "Client", settings: JobSettings) -> tuple[Control | None, Kept, Answers]:
    sources = {tables.DELIVERIES: tables.DELIVERIES, tables.TRANSACTIONS: tables.TRANSACTIONS, METRICS: tables.LEDGER}
    named = {table: f"`{table_id(settings, source)}`" for table, source in sources.items()}
    with snapshot(client) as session_id:
        control = read_control(client, settings, session_id)
        newest = control.last_batch_id if control else 0
        kept = read_kept(client, settings, session_id)
        asked = {about: _asked(sql, named, "numeric", newest, kept) for about, sql in QUESTIONS.items()}
        answers = {
            about: {tuple(row.values()) for row in run(client, sql, {}, session_id=session_id)}
            for about, sql in asked.items()
        }
    return control, kept, answers


def _of_delta(spark: "SparkSession", settings: JobSettings, newest: int, kept: Kept) -> Answers:
    _teach(spark)
    names = {table: f"delta_{table.name}" for table in (tables.DELIVERIES, tables.TRANSACTIONS, METRICS)}
    for table, name in names.items():
        spark.read.format("delta").load(uri_of(settings, table)).createOrReplaceTempView(name)
    return {
        about: {tuple(row) for row in spark.sql(_asked(sql, names, "decimal(38, 0)", newest, kept)).collect()}
        for about, sql in QUESTIONS.items()
    }


def _asked(sql: str, names: Mapping[Table, str], numeric: str, batch_id: int, kept: Kept) -> str:
    conditions = {
        "is_delivery_kept": kept.deliveries.is_kept("kafka_timestamp", "batch_id") if kept.deliveries else "true",
        "is_payment_kept": kept.payments.is_kept("event_time", "batch_id") if kept.payments else "true",
    }
    named = {table.name: name for table, name in names.items()}
    return sql.format(**named, **conditions, numeric=numeric, batch_id=batch_id)


def _teach(spark: "SparkSession") -> None:
    """Let a session read Delta from here on; one that never asks pays nothing for it."""
    # Its extension and catalog are for writing and for names; a few small logs need no fifty tasks.
    spark.conf.set("spark.databricks.delta.requiredSparkConfsCheck.enabled", "false")
    spark.conf.set("spark.databricks.delta.snapshotPartitions", "1")
