"""The tables that the streaming job owns in BigQuery, declared once, in pure Python.

Belongs here: names, columns, layers, partitioning and clustering. Does not belong here: what a declaration is made of
(columns), SQL (sinks.bigquery), dbt's views, clients (warehouse). The drift test holds dbt's sources against this
module.
"""

from dataclasses import replace

from spark_jobs.contract.payment_event import FIELDS, V1_FIELDS, V2_FIELDS
from spark_jobs.tables.columns import (
    BATCH,
    COORDINATES,
    COUNTS,
    DIGESTS,
    HASHES,
    HOLE_COUNT,
    IGNORED_BY_RULE,
    IGNORED_COUNT,
    WATERMARK_MINUTES,
    Column,
)
from spark_jobs.tables.columns import Layer as Layer
from spark_jobs.tables.columns import Table as Table
from spark_jobs.tables.decision_tables import ACCEPTED_GAPS as ACCEPTED_GAPS
from spark_jobs.tables.decision_tables import FRAUD_LABELS as FRAUD_LABELS
from spark_jobs.tables.decision_tables import FRAUD_LISTS as FRAUD_LISTS
from spark_jobs.tables.decision_tables import PROMOTED_FIELDS as PROMOTED_FIELDS
from spark_jobs.tables.erasure_tables import ERASED_IDS as ERASED_IDS
from spark_jobs.tables.erasure_tables import ERASURES as ERASURES
from spark_jobs.tables.operation_tables import CONTRACT_VERSION
from spark_jobs.tables.operation_tables import CONTRACT_VERSIONS as CONTRACT_VERSIONS
from spark_jobs.tables.operation_tables import HEALTH_HISTORY as HEALTH_HISTORY
from spark_jobs.tables.operation_tables import INCIDENTS as INCIDENTS
from spark_jobs.tables.operation_tables import KAFKA_OFFSETS as KAFKA_OFFSETS
from spark_jobs.tables.operation_tables import LEASES as LEASES
from spark_jobs.tables.operation_tables import OBSERVATIONS as OBSERVATIONS
from spark_jobs.tables.operation_tables import RETENTION_MARKS as RETENTION_MARKS
from spark_jobs.tables.operation_tables import SCHEMA_MIGRATIONS as SCHEMA_MIGRATIONS
from spark_jobs.tables.request_tables import DECISION_OUTCOMES as DECISION_OUTCOMES
from spark_jobs.tables.request_tables import DECISION_REQUESTS as DECISION_REQUESTS
from spark_jobs.tables.seal_tables import DAY_REPORTS as DAY_REPORTS
from spark_jobs.tables.seal_tables import DAY_SEALS as DAY_SEALS

DELIVERIES = Table(
    "payment_deliveries",
    "One row per Kafka record, whatever became of it.",
    (
        *COORDINATES,
        Column("disposition", "STRING", "UNIQUE, DUPLICATE, LATE, QUARANTINED or IGNORED; ERASED on request."),
        Column("reasons", "STRING", "Why it is quarantined, or the rule that ignores it; empty otherwise.", "REPEATED"),
        Column("transaction_id", "STRING", "The payment's id, where that is valid.", "NULLABLE"),
        Column("event_time", "TIMESTAMP", "When the payment was made, where that is valid.", "NULLABLE"),
        Column("currency", "STRING", "ISO 4217, where that is valid.", "NULLABLE"),
        Column("amount_minor", "INT64", "Amount in the currency's minor unit, where that is valid.", "NULLABLE"),
        *HASHES,
        Column("raw_key", "BYTES", "The record's key; NULL where its payment is kept as columns.", "NULLABLE"),
        Column(
            "raw_value",
            "BYTES",
            "The record's value; NULL where its payment is kept as columns (UNIQUE or RETRACTED_DUPLICATE), or where "
            "the record has none.",
            "NULLABLE",
        ),
        BATCH,
        Column(
            "headers",
            "STRING",
            "The record's headers, where its value is kept: a JSON list of pairs of name and value, which is a text or "
            "an object with base64; NULL where it has none.",
            "NULLABLE",
        ),
    ),
    partition_by="kafka_timestamp",
    cluster_by=("kafka_timestamp", "kafka_partition", "disposition"),
    layer=Layer.RAW,
)

DROPPED_LABELS = Column(
    "dropped_labels",
    "STRING",
    "JSON object, label to what was written in it: labels that break their rule, and are NULL in the payment.",
    "NULLABLE",
)
_LATER = (DROPPED_LABELS, *(Column(f.name, f.bigquery_type, f.description, "NULLABLE") for f in V2_FIELDS))
"""What a payment's row has gained since the first version, in that order."""

TRANSACTIONS = Table(
    "payment_transactions",
    "One row per unique payment.",
    (
        *(Column(f.name, f.bigquery_type, f.description, "REQUIRED" if f.required else "NULLABLE") for f in V1_FIELDS),
        Column("amount_minor", "INT64", "Amount in the currency's minor unit."),
        Column("extra_fields", "STRING", "Fields that the contract does not know, as a JSON object.", "NULLABLE"),
        *HASHES,
        *COORDINATES,
        BATCH,
        *_LATER,
    ),
    partition_by="event_time",
    cluster_by=("event_time", "sender_account_id", "currency"),
    layer=Layer.RAW,
)

LEDGER = Table(
    "batch_ledger",
    "One row per published micro-batch.",
    (
        BATCH,
        Column("pipeline", "STRING", "The pipeline that published: a row of pipeline_control."),
        Column("generation", "STRING", "The checkpoint that the batch ran on."),
        Column("spark_batch_id", "INT64", "Spark's number of the batch within that checkpoint."),
        Column("epoch", "INT64", "The run's fence: it never falls along the ledger."),
        Column("topic", "STRING", "Kafka topic."),
        Column("start_offsets", "STRING", "JSON object, partition to first offset."),
        Column("end_offsets", "STRING", "JSON object, partition to the offset after the last."),
        *COUNTS,
        Column("watermark", "TIMESTAMP", "The watermark carried into the batch: LATE was judged by it.", "NULLABLE"),
        Column("next_watermark", "TIMESTAMP", "The watermark that the next batch carries in.", "NULLABLE"),
        Column("min_kafka_timestamp", "TIMESTAMP", "Of the oldest record.", "NULLABLE"),
        Column("max_kafka_timestamp", "TIMESTAMP", "Of the newest record.", "NULLABLE"),
        Column("latency_p50_seconds", "FLOAT64", "Broker timestamp to publication, median.", "NULLABLE"),
        Column("latency_p95_seconds", "FLOAT64", "Broker timestamp to publication, 95th percentile.", "NULLABLE"),
        Column("state_keys", "INT64", "Transaction ids that the deduplication state remembers."),
        Column("state_bytes", "INT64", "Size of the deduplication state."),
        Column("process_seconds", "FLOAT64", "Reading, parsing, tagging and staging."),
        Column("load_seconds", "FLOAT64", "The load job into the staging table."),
        Column("started_at", "TIMESTAMP", "When the batch began."),
        Column("published_at", "TIMESTAMP", "When the batch's transaction ran."),
        *DIGESTS,
        CONTRACT_VERSION,
        IGNORED_COUNT,
        IGNORED_BY_RULE,
        WATERMARK_MINUTES,
        HOLE_COUNT,
        Column(
            "judged_at",
            "TIMESTAMP",
            "The batch's clock: what its records say of the future was held against it, where their senders set the "
            "timestamp. NULL: against the timestamp alone.",
            "NULLABLE",
        ),
    ),
    partition_by="published_at",
)

LEDGER_PARTITIONS = Table(
    "batch_ledger_partitions",
    "One row per published micro-batch and Kafka partition.",
    (
        BATCH,
        Column("topic", "STRING", "Kafka topic."),
        Column("kafka_partition", "INT64", "Kafka partition."),
        Column("start_offset", "INT64", "First offset of the batch."),
        Column("end_offset", "INT64", "Offset after the last of the batch."),
        *COUNTS,
        IGNORED_COUNT,
        HOLE_COUNT,
    ),
)

LEDGER_AMOUNTS = Table(
    "batch_ledger_amounts",
    "One row per published micro-batch, disposition and currency: its money.",
    (
        BATCH,
        Column("disposition", "STRING", "UNIQUE, DUPLICATE, LATE, QUARANTINED or IGNORED."),
        Column("currency", "STRING", "ISO 4217; empty where the record has no valid one."),
        Column("record_count", "INT64", "Records."),
        Column("amount_minor", "NUMERIC", "Sum in the currency's minor unit; 0 where no amount could be read."),
    ),
)

CONTROL = Table(
    "pipeline_control",
    "One row per pipeline: what is published, and who may publish next.",
    (
        Column("pipeline", "STRING", "Name of the pipeline."),
        Column("topic", "STRING", "Kafka topic."),
        Column("topic_id", "STRING", "The topic's id: it changes when a topic is deleted and created again."),
        Column("epoch", "INT64", "Raised by each run at its start; an older run can no longer publish."),
        Column("holder", "STRING", "The run that raised the epoch last."),
        Column("generation", "STRING", "The checkpoint in use."),
        Column("last_batch_id", "INT64", "Newest published batch; 0 before the first."),
        Column("end_offsets", "STRING", "JSON object, partition to the offset after the last published."),
        Column("watermark", "TIMESTAMP", "The watermark that the next batch carries in.", "NULLABLE"),
        Column("updated_at", "TIMESTAMP", "When the row last changed."),
        Column("correction_count", "INT64", "Rows of payment_corrections: the newest correction_id."),
        Column("replay_count", "INT64", "Rows of payment_replays: the newest replay_id."),
        Column("erasure_count", "INT64", "Erasures: the newest erasure_id."),
        Column("digest", "STRING", "The newest batch's digest; empty before the first."),
        Column(
            "last_records",
            "STRING",
            "JSON object, partition to the offset and value_sha256 of its last published record. NULL: not known.",
            "NULLABLE",
        ),
    ),
)

PERSONAL = (*(field.name for field in FIELDS), "amount_minor", "extra_fields", "payload_hash", "dropped_labels")
"""What a payment says. In a correction it is NULL once it is erased."""

CORRECTIONS = Table(
    "payment_corrections",
    "One row per correction: what was decided of a delivered payment after, or beside, its disposition.",
    (
        Column("correction_id", "INT64", "Counts from 1 without a gap, in the order of the decisions."),
        Column(
            "kind",
            "STRING",
            "ADMITTED_LATE, REJECTED_LATE, RETRACTED_DUPLICATE, CONFLICT_KEPT, CONFLICT_REPLACED, CONFLICT_CHOSEN, "
            "BACKFILL_REPLACED or BACKFILL_CHOSEN.",
        ),
        Column("payments_added", "INT64", "What it does to payment_transactions: 1, 0, or -1 for a row taken out."),
        *(
            replace(column, mode="NULLABLE") if column.name in PERSONAL else column
            for column in TRANSACTIONS.columns
            if column not in _LATER
        ),
        Column("last_batch_id", "INT64", "The newest published batch that the decision knew of."),
        Column("decided_by", "STRING", "Who, or which part of the platform, decided."),
        Column("reason", "STRING", "Why."),
        Column("decided_at", "TIMESTAMP", "When the decision's transaction ran."),
        Column("correction_hash", "BYTES", "Hash of the decision: an altered one shows."),
        *_LATER,
    ),
    partition_by="decided_at",
    cluster_by=("kind", "batch_id"),
    layer=Layer.RAW,
)

WRITTEN_CORRECTION = (
    *("correction_id", "kind", "payments_added"),
    *(column.name for column in TRANSACTIONS.columns),
    *("last_batch_id", "decided_by", "reason", "decided_at", "correction_hash"),
)
"""The columns of a correction in the order in which statements write them: its payment in one piece."""

REPLAYS = Table(
    "payment_replays",
    "One row per quarantined record that was sent to the topic again: from the old offset to the new one.",
    (
        Column("replay_id", "INT64", "Counts from 1 without a gap."),
        *COORDINATES[:3],
        Column("new_partition", "INT64", "The partition that it was sent to."),
        Column("sent_from_offset", "INT64", "The partition's end just before: the new offset is not below it."),
        Column("new_offset", "INT64", "Where it came to lie; NULL until the broker's answer is written.", "NULLABLE"),
        HASHES[1],
        Column("requested_by", "STRING", "Who asked for it."),
        Column("reason", "STRING", "Why."),
        Column("requested_at", "TIMESTAMP", "When it was asked for, before it was sent."),
        Column("replayed_at", "TIMESTAMP", "When the broker's answer was written.", "NULLABLE"),
        Column("replay_hash", "BYTES", "Hash of the request: an altered one shows."),
    ),
)

CONTROL_TOTALS = Table(
    "sender_control_totals",
    "What senders say they sent: one row per report, day, partition and currency.",
    (
        Column("source", "STRING", "Which sender's report this is."),
        Column("reported_at", "TIMESTAMP", "When the report was taken in."),
        Column("day", "DATE", "UTC day of event_time; of the Kafka timestamp where the record has no valid one."),
        Column("topic", "STRING", "Kafka topic."),
        Column("kafka_partition", "INT64", "Kafka partition."),
        Column("currency", "STRING", "ISO 4217; empty for records that are not valid payments."),
        Column("delivered_count", "INT64", "Records acknowledged by the broker."),
        Column("delivered_amount_minor", "INT64", "Their sum in minor units; 0 where currency is empty."),
        Column(
            "delivered_hash_total",
            "NUMERIC",
            "Sum of the first 15 hexadecimal digits of the SHA-256 of each record's value; NULL where none is made.",
            "NULLABLE",
        ),
        Column("unique_count", "INT64", "Payments among them, each counted once."),
        Column("unique_amount_minor", "INT64", "Their sum in minor units."),
        Column("max_offset", "INT64", "Highest offset that the report covers in this partition."),
        Column("report_sha256", "STRING", "SHA-256 of the report's file; NULL where it came by none.", "NULLABLE"),
    ),
)

SETTLEMENT_TOTALS = Table(
    "sender_settlement_totals",
    "What providers say they settled: one row per provider, day in its zone, and currency.",
    (
        Column("source", "STRING", "Which provider's report this is."),
        Column("reported_at", "TIMESTAMP", "When the report was taken in."),
        Column("zone", "STRING", "The time zone whose days the provider counts by, such as Europe/Berlin."),
        Column("day", "DATE", "The day there."),
        Column("currency", "STRING", "ISO 4217."),
        Column("payment_count", "INT64", "Payments, each counted once."),
        Column("amount_minor", "INT64", "Their sum in minor units, before fees."),
        Column("report_sha256", "STRING", "SHA-256 of the report's file."),
        Column("mapping_sha256", "STRING", "SHA-256 of the mapping that it was read by."),
    ),
)

TABLES: tuple[Table, ...] = (
    DELIVERIES,
    TRANSACTIONS,
    LEDGER,
    LEDGER_PARTITIONS,
    LEDGER_AMOUNTS,
    CONTROL,
    CONTROL_TOTALS,
    SETTLEMENT_TOTALS,
    KAFKA_OFFSETS,
    OBSERVATIONS,
    HEALTH_HISTORY,
    LEASES,
    INCIDENTS,
    ACCEPTED_GAPS,
    CORRECTIONS,
    REPLAYS,
    PROMOTED_FIELDS,
    ERASURES,
    ERASED_IDS,
    SCHEMA_MIGRATIONS,
    CONTRACT_VERSIONS,
    DAY_SEALS,
    DAY_REPORTS,
    FRAUD_LABELS,
    FRAUD_LISTS,
    DECISION_REQUESTS,
    DECISION_OUTCOMES,
    RETENTION_MARKS,
)
