"""The columns that days of payments fill, table by table, in the order of the statements that fill them.

Belongs here: names. Does not belong here: what is written into them (past).
"""

PAYMENT = (
    *("transaction_id", "event_time", "sender_account_id", "receiver_account_id", "amount", "currency", "country"),
    *("device_id", "device_type", "ip_address", "payment_method", "amount_minor", "payload_hash", "value_sha256"),
    *("topic", "kafka_partition", "kafka_offset", "kafka_timestamp", "batch_id"),
)
DELIVERY = (
    *("topic", "kafka_partition", "kafka_offset", "kafka_timestamp", "disposition", "transaction_id", "event_time"),
    *("currency", "amount_minor", "payload_hash", "value_sha256", "batch_id"),
)
COUNTS = ("delivered", "unique_count", "duplicate_count", "late_count", "quarantined_count", "ignored_count")
COUNTED = """count(*) as delivered,
                countif(disposition = 'UNIQUE') as unique_count,
                countif(disposition = 'DUPLICATE') as duplicate_count,
                0 as late_count,
                0 as quarantined_count,
                0 as ignored_count"""
BATCH = (
    *("batch_id", "pipeline", "generation", "spark_batch_id", "epoch", "topic", "start_offsets", "end_offsets"),
    *COUNTS,
    *("watermark", "next_watermark", "min_kafka_timestamp", "max_kafka_timestamp", "latency_p50_seconds"),
    *("latency_p95_seconds", "state_keys", "state_bytes", "process_seconds", "load_seconds", "started_at"),
    *("published_at", "content_hash", "digest"),
)
RANGE = ("batch_id", "topic", "kafka_partition", "start_offset", "end_offset", *COUNTS)
MONEY = ("batch_id", "disposition", "currency", "record_count", "amount_minor")
REPORT = (
    *("source", "reported_at", "day", "topic", "kafka_partition", "currency", "delivered_count"),
    *("delivered_amount_minor", "delivered_hash_total", "unique_count", "unique_amount_minor", "max_offset"),
)
