"""Tables of what people decide beside the stream, in pure Python.

Belongs here: decisions that change no payment. Does not belong here: corrections and replays (catalog).
"""

from spark_jobs.tables.columns import Column, Layer, Table

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

FRAUD_LABELS = Table(
    "payment_fraud_labels",
    "What became of payments, as people say: one row per label. Rows are added, never changed; the newest counts.",
    (
        Column("transaction_id", "STRING", "The payment."),
        Column("event_time", "TIMESTAMP", "When it was made, as it was known when it was labelled."),
        Column("label", "STRING", "CHARGEBACK, CONFIRMED_FRAUD, FALSE_ALARM, or NONE, which takes a label back."),
        Column("labelled_by", "STRING", "Who says so."),
        Column("reason", "STRING", "Why."),
        Column("labelled_at", "TIMESTAMP", "When it was written."),
    ),
    layer=Layer.RAW,
)

FRAUD_LISTS = Table(
    "payment_fraud_lists",
    "Allow and block lists: one row per change of an entry. Rows are added, never changed; an entry's newest counts.",
    (
        Column("entry_id", "STRING", "The entry: its rows share it."),
        Column("list_name", "STRING", "ALLOW: no alert; BLOCK: always one, and the first to be looked at."),
        Column("subject_kind", "STRING", "SENDER, RECEIVER (a merchant is one) or DEVICE."),
        Column("subject", "STRING", "The account's or the device's id."),
        Column("valid_from", "TIMESTAMP", "Payments made from then on are concerned."),
        Column("valid_to", "TIMESTAMP", "Payments made from then on no longer are."),
        Column("decided_by", "STRING", "Who decided."),
        Column("reason", "STRING", "Why."),
        Column("decided_at", "TIMESTAMP", "When the row was written."),
    ),
    layer=Layer.RAW,
)
