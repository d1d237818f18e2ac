"""The tables that are about the platform's own work, not about payments. Pure Python.

Belongs here: what the broker says, what the watch saw, whose turn it is, why runs stopped, which versions the
dataset has had, and by which contracts records were judged. Does not belong here: payments and the ledger over them
(catalog), decisions.
"""

from spark_jobs.tables.columns import Column, Table

KAFKA_OFFSETS = Table(
    "kafka_offsets",
    "What the broker says: one row per partition, replaced at each observation.",
    (
        Column("topic", "STRING", "Kafka topic."),
        Column("kafka_partition", "INT64", "Kafka partition."),
        Column("earliest_offset", "INT64", "Oldest offset still kept."),
        Column("latest_offset", "INT64", "The offset that the next record will get."),
        Column("observed_at", "TIMESTAMP", "When the broker was asked."),
    ),
)

OBSERVATIONS = Table(
    "pipeline_observations",
    "What the watch saw: one row per thing that it looks at, replaced at each look.",
    (
        Column("pipeline", "STRING", "The pipeline that is watched: a row of pipeline_control."),
        Column("metric", "STRING", "The health metric that the row counts for: pipeline_health.metric."),
        Column("subject", "STRING", "What was looked at, such as a sensor's name."),
        Column("state", "STRING", "How far it was; empty where it has no such thing."),
        Column("since", "TIMESTAMP", "Since when it has been as it is, as far as the watch knows."),
        Column(
            "due_at", "TIMESTAMP", "By when it has to move: overdue from then on. NULL: nothing is due.", "NULLABLE"
        ),
        Column("measured_seconds", "INT64", "What was measured; 0 where only the time counts."),
        Column("detail", "STRING", "What was seen, in words."),
        Column("observed_at", "TIMESTAMP", "When it was looked at."),
    ),
)

HEALTH_HISTORY = Table(
    "health_history",
    "What the health metrics were: a row per metric every five minutes, written by the watch and never changed.",
    (
        Column("pipeline", "STRING", "The pipeline that is watched: a row of pipeline_control."),
        Column("metric", "STRING", "The health metric: pipeline_health.metric."),
        Column("value", "FLOAT64", "Its value, in the metric's own unit."),
        Column("measured_at", "TIMESTAMP", "When the watch read it."),
    ),
    partition_by="measured_at",
)

LEASES = Table(
    "pipeline_leases",
    "Whose turn it is to publish, where runs are on several machines: one row per pipeline.",
    (
        Column("pipeline", "STRING", "The pipeline: a row of pipeline_control."),
        Column("holder", "STRING", "The process at work, by its host and a name of its own; empty where it is free."),
        Column("epoch", "INT64", "How many holders there have been."),
        Column("taken_at", "TIMESTAMP", "When the last one took it."),
        Column("renewed_at", "TIMESTAMP", "When it was last renewed, or let go of."),
        Column("expires_at", "TIMESTAMP", "From when on another may take it, by the warehouse's clock."),
    ),
)

INCIDENTS = Table(
    "pipeline_incidents",
    "Why runs stopped: one row per incident and Kafka partition that it is about.",
    (
        Column("incident_id", "STRING", "The incident: its rows share it."),
        Column("pipeline", "STRING", "The pipeline whose run stopped."),
        Column("kind", "STRING", "What happened, such as OFFSETS_LOST."),
        Column("detail", "STRING", "The one line that the run ended with."),
        Column("topic", "STRING", "Kafka topic."),
        Column("kafka_partition", "INT64", "Kafka partition; NULL where the incident is about none.", "NULLABLE"),
        Column("start_offset", "INT64", "First offset concerned.", "NULLABLE"),
        Column("end_offset", "INT64", "Offset after the last concerned.", "NULLABLE"),
        Column("epoch", "INT64", "The run's epoch; NULL where it had none yet.", "NULLABLE"),
        Column("occurred_at", "TIMESTAMP", "When the run stopped."),
    ),
)

RETENTION_MARKS = Table(
    "retention_marks",
    "From which day on rows are kept: one row each time that a day expires. Rows are added, never changed.",
    (
        Column("kept", "STRING", "What is kept: the table, or its column after a dot."),
        Column("kept_from", "DATE", "Rows of days before it have expired, as far as batches up to last_batch_id go."),
        Column("last_batch_id", "INT64", "The newest batch that was published before that day."),
        Column("marked_by", "STRING", "Who, or which part of the platform, had them expire."),
        Column("marked_at", "TIMESTAMP", "When."),
    ),
)

SCHEMA_MIGRATIONS = Table(
    "schema_migrations",
    "The versions that the dataset has had: one row per version that it was made at, or brought to.",
    (
        Column("version", "INT64", "The version; the newest one is also the label schema_version of pipeline_control."),
        Column("description", "STRING", "What it brought."),
        Column("applied_by", "STRING", "The warehouse's name of the account that applied it."),
        Column("applied_at", "TIMESTAMP", "When it was applied."),
    ),
)

CONTRACT_VERSION = Column(
    "contract_version",
    "STRING",
    "The contract that its records were judged by: contract_versions.contract_version; NULL where it is not known.",
    "NULLABLE",
)

CONTRACT_VERSIONS = Table(
    "contract_versions",
    "Every contract that a run has judged records by: kept, so that its records can be judged again by it.",
    (
        Column(
            "contract_version", "STRING", "Hash of the rules, the lists and the mapping; a race may write a row twice."
        ),
        Column("rules_hash", "STRING", "Hash of the fields, the limits and the rules' text."),
        Column("code_lists", "STRING", "The lists of codes, as JSON."),
        Column("first_used_at", "TIMESTAMP", "When a run first began with it."),
        Column("mapping_version", "STRING", "The user's name for the mapping; NULL without one.", "NULLABLE"),
        Column("mapping_hash", "STRING", "Hash of the mapping; NULL without one.", "NULLABLE"),
        Column("mapping", "STRING", "The mapping, as JSON; NULL where events are the contract's own.", "NULLABLE"),
    ),
)
