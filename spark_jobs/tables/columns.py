"""What tables are declared with, and the columns that several of them share. Pure Python.

Belongs here: Column, Table, Layer, shared columns. Does not belong here: a table (catalog).
"""

from dataclasses import dataclass
from enum import StrEnum


class Layer(StrEnum):
    """Who has to read a table. Each layer may have a dataset of its own (names).

    RAW is whatever an erasure has to take something from, and staging tables. OPERATIONS is all else that the product
    writes: how far the pipeline is, and what was decided. MARTS is what dbt makes.
    """

    RAW = "raw"
    OPERATIONS = "operations"
    MARTS = "marts"


@dataclass(frozen=True, slots=True)
class Column:
    """A BigQuery column. `mode` is NULLABLE, REQUIRED or REPEATED."""

    name: str
    type: str
    description: str
    mode: str = "REQUIRED"


@dataclass(frozen=True, slots=True)
class Table:
    """A BigQuery table; `partition_by` names a TIMESTAMP or DATE column and is by day."""

    name: str
    description: str
    columns: tuple[Column, ...]
    partition_by: str | None = None
    cluster_by: tuple[str, ...] = ()
    layer: Layer = Layer.OPERATIONS


COORDINATES = (
    Column("topic", "STRING", "Kafka topic."),
    Column("kafka_partition", "INT64", "Kafka partition."),
    Column("kafka_offset", "INT64", "Kafka offset: with topic and partition, the identity of a delivery."),
    Column("kafka_timestamp", "TIMESTAMP", "When the broker's log says the record was written."),
)
BATCH = Column("batch_id", "INT64", "The micro-batch that published the row: batch_ledger.batch_id.")
HASHES = (
    Column(
        "payload_hash",
        "BYTES",
        "Hash of what the payment says in the contract's fields, except its event_time.",
        "NULLABLE",
    ),
    Column("value_sha256", "BYTES", "SHA-256 of the record's value, byte for byte."),
)
COUNTS = (
    Column("delivered", "INT64", "Records read: the sum of the counts by disposition."),
    Column("unique_count", "INT64", "Records tagged UNIQUE."),
    Column("duplicate_count", "INT64", "Records tagged DUPLICATE."),
    Column("late_count", "INT64", "Records tagged LATE."),
    Column("quarantined_count", "INT64", "Records tagged QUARANTINED."),
)
IGNORED_COUNT = Column(
    "ignored_count",
    "INT64",
    "Records tagged IGNORED; NULL in a batch of before there were any, where it is 0.",
    "NULLABLE",
)
HOLE_COUNT = Column(
    "hole_count",
    "INT64",
    "Offsets without a record: transaction markers, aborted or compacted records. NULL: none.",
    "NULLABLE",
)
IGNORED_BY_RULE = Column(
    "ignored_by_rule",
    "STRING",
    "JSON object, rule of the mapping to the records that it ignored; NULL in a batch of before there were any.",
    "NULLABLE",
)
WATERMARK_MINUTES = Column(
    "watermark_minutes",
    "INT64",
    "How far next_watermark trails the greatest event_time; NULL before it was a setting, and then 60.",
    "NULLABLE",
)
DIGESTS = (
    Column("content_hash", "STRING", "SHA-256 over every record's partition, offset and value_sha256, hexadecimal."),
    Column("digest", "STRING", "SHA-256 over the batch's ledger rows, its content_hash and the digest before it."),
)
