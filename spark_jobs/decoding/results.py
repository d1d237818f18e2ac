"""What decoding gives: a document, or why there is none; and the formats that it knows.

Belongs here: the types. Does not belong here: making them (documents).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from spark_jobs.contract.payment_event import Reason

type Document = dict[str, Any]
"""Names and plain values: dict, list, str, int, bool, None, and Decimal for every number with a fraction or an
exponent. Never a float. A binary number that is none (NaN, an infinity) is the text that names it. Bytes are base64.
A text of JSON may hold half of a surrogate pair, which no UTF-8 has: whoever writes it on looks first."""

type Headers = Sequence[tuple[str, bytes | None]]
"""A record's headers in order; a name may stand there twice."""


class Format(StrEnum):
    """How a topic's records are written. The text is what a mapping file says."""

    JSON = "json"
    AVRO = "avro"
    PROTOBUF = "protobuf"
    JSON_SCHEMA = "json-schema"
    CLOUDEVENTS = "cloudevents"
    DEBEZIUM = "debezium"

    @property
    def needs_a_registry(self) -> bool:
        """Whether no record of this format can be read without the schema registry."""
        return self in (Format.AVRO, Format.PROTOBUF, Format.JSON_SCHEMA)


class BadSchema(ValueError):
    """A schema's text is none."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record without a document, and why.

    Args:
        reason: the contract's reason for quarantine.
        payment_id: of a tombstone, what its key names; None where the key names no payment.
        deleted: of a deletion that says what it deleted, the row.
    """

    reason: Reason
    payment_id: str | None = None
    deleted: Document | None = None
