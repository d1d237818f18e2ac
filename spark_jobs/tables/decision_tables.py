"""Tables of what people decide beside the stream, in pure Python.

Belongs here: a decision that is about no single payment. Does not belong here: corrections and replays (catalog).
"""

from spark_jobs.tables.columns import Column, Table

ACCEPTED_GAPS = Table(
    "accepted_gaps",
    "Offsets that the broker lost before they were read, and that somebody has accepted as lost.",
    (
        Column("pipeline", "STRING", "The pipeline that goes on without them."),
        Column("topic", "STRING", "Kafka topic."),
        Column("kafka_partition", "INT64", "Kafka partition."),
        Column("start_offset", "INT64", "First lost offset."),
        Column("end_offset", "INT64", "Offset after the last lost."),
        Column("accepted_by", "STRING", "Who accepted the loss."),
        Column("reason", "STRING", "Why."),
        Column("accepted_at", "TIMESTAMP", "When."),
    ),
)

PROMOTED_FIELDS = Table(
    "promoted_fields",
    "One row per promotion of a field that the contract does not know, and per one taken back: the newest counts.",
    (
        Column("field", "STRING", "The field's name in extra_fields, and of the view's column."),
        Column("type", "STRING", "BOOL, INT64, NUMERIC, DATE, TIMESTAMP or STRING; NONE takes the promotion back."),
        Column("promoted_by", "STRING", "Who promoted it."),
        Column("reason", "STRING", "Why."),
        Column("promoted_at", "TIMESTAMP", "When."),
    ),
)
