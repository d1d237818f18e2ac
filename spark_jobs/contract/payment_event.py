"""The contract of a payment event, versions 1 and 2: THE schema, in pure Python.

Belongs here: the fields of an event with their rules, the dispositions, the reasons a record is quarantined.
Does not belong here: how a rule is evaluated (parsing), how tables look (tables), pyspark.
Spark, BigQuery, dbt sources and docs/payment-event.schema.json are derived from or checked against this module.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from spark_jobs.contract.iso_codes import COUNTRIES, MINOR_UNITS

SCHEMA_VERSION = "1"
"""Of an event whose header names none. Version 2 has three fields more, of which it needs the first: V2_FIELDS."""
SCHEMA_VERSION_2 = "2"
SCHEMA_VERSIONS = (SCHEMA_VERSION, SCHEMA_VERSION_2)
SCHEMA_VERSION_HEADER = "schema_version"
"""The header of a Kafka record that names the version. Where it comes more than once, the last one counts."""

MAX_FUTURE = timedelta(minutes=5)
"""How far `event_time` may lie after the Kafka timestamp, and after the batch's clock where a sender set the former."""

WATERMARK_DELAY = timedelta(hours=1)
"""How far the watermark trails the greatest `event_time` seen, where no setting says otherwise."""

WATERMARK_MICROSECONDS = WATERMARK_DELAY // timedelta(microseconds=1)

MIN_YEAR = 2000
MAX_AMOUNT = 10**12
MAX_VALUE_BYTES = 65_536
"""Records larger than this are quarantined before they are parsed."""

MAX_NESTING = 32
"""JSON nested deeper than this is quarantined."""


class Disposition(StrEnum):
    """What a delivered record was tagged as. Every record has exactly one."""

    UNIQUE = "UNIQUE"
    DUPLICATE = "DUPLICATE"
    LATE = "LATE"
    QUARANTINED = "QUARANTINED"
    IGNORED = "IGNORED"


NO_PAYMENTS = (Disposition.QUARANTINED, Disposition.IGNORED)
"""What is no valid payment: a record with reasons, which say what is wrong with it, or which rule of the user's mapping
ignores it."""

ERASED = "ERASED"
"""What a delivery is once it was erased on request: no record is tagged so, and the ledger does not count by it."""


class Reason(StrEnum):
    """Why a record was quarantined. A record carries every reason that applies to it, in this order."""

    TOMBSTONE = "TOMBSTONE"
    EMPTY_VALUE = "EMPTY_VALUE"
    OVERSIZE = "OVERSIZE"
    INVALID_UTF8 = "INVALID_UTF8"
    INVALID_JSON = "INVALID_JSON"
    TOO_DEEP = "TOO_DEEP"
    NOT_AN_OBJECT = "NOT_AN_OBJECT"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    INVALID_UNICODE = "INVALID_UNICODE"
    WRONG_TYPE = "WRONG_TYPE"
    MISSING_FIELD = "MISSING_FIELD"
    INVALID_TRANSACTION_ID = "INVALID_TRANSACTION_ID"
    INVALID_EVENT_TIME = "INVALID_EVENT_TIME"
    EVENT_TIME_TOO_OLD = "EVENT_TIME_TOO_OLD"
    EVENT_TIME_IN_FUTURE = "EVENT_TIME_IN_FUTURE"
    INVALID_ACCOUNT_ID = "INVALID_ACCOUNT_ID"
    SAME_ACCOUNT = "SAME_ACCOUNT"
    INVALID_AMOUNT = "INVALID_AMOUNT"
    AMOUNT_NOT_POSITIVE = "AMOUNT_NOT_POSITIVE"
    AMOUNT_TOO_LARGE = "AMOUNT_TOO_LARGE"
    AMOUNT_TOO_PRECISE = "AMOUNT_TOO_PRECISE"
    UNKNOWN_CURRENCY = "UNKNOWN_CURRENCY"
    UNKNOWN_COUNTRY = "UNKNOWN_COUNTRY"
    INVALID_DEVICE_ID = "INVALID_DEVICE_ID"
    UNKNOWN_DEVICE_TYPE = "UNKNOWN_DEVICE_TYPE"
    INVALID_IP_ADDRESS = "INVALID_IP_ADDRESS"
    UNKNOWN_PAYMENT_METHOD = "UNKNOWN_PAYMENT_METHOD"
    INVALID_MERCHANT_CATEGORY = "INVALID_MERCHANT_CATEGORY"
    UNKNOWN_SCHEMA = "UNKNOWN_SCHEMA"
    UNDECODABLE = "UNDECODABLE"
    CURRENCY_OUT_OF_PERIOD = "CURRENCY_OUT_OF_PERIOD"
    UNDECIDED_RULE = "UNDECIDED_RULE"
    MORE_THAN_ONE = "MORE_THAN_ONE"
    UNMAPPED_VALUE = "UNMAPPED_VALUE"
    UNKNOWN_MINOR_UNIT = "UNKNOWN_MINOR_UNIT"
    INVALID_KAFKA_TIMESTAMP = "INVALID_KAFKA_TIMESTAMP"
    UNSUPPORTED_SCHEMA_VERSION = "UNSUPPORTED_SCHEMA_VERSION"
    UNKNOWN_KIND = "UNKNOWN_KIND"
    INVALID_ORIGINAL_TRANSACTION_ID = "INVALID_ORIGINAL_TRANSACTION_ID"
    UNKNOWN_STATUS = "UNKNOWN_STATUS"


ID_PATTERN = "[A-Za-z0-9_-]{1,64}"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
EVENT_TIME_PATTERN = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt]{_CLOCK}:[0-5][0-9](\.[0-9]{{1,9}})?([Zz]|[+-]{_CLOCK})"
AMOUNT_PATTERN = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?"
MERCHANT_CATEGORY_PATTERN = "[0-9]{4}"

_H = "[0-9A-Fa-f]{1,4}"
_BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4_PATTERN = rf"({_BYTE}\.){{3}}{_BYTE}"
IPV6_PATTERN = "|".join(
    [
        f"({_H}:){{7}}{_H}",
        f"({_H}:){{1,7}}:",
        *(f"({_H}:){{1,{7 - n}}}(:{_H}){{1,{n}}}" for n in range(1, 7)),
        f":((:{_H}){{1,7}}|:)",
        f"({_H}:){{6}}{IPV4_PATTERN}",
        f"::({_H}:){{0,5}}{IPV4_PATTERN}",
        *(f"({_H}:){{1,{5 - n}}}(:{_H}){{0,{n}}}:{IPV4_PATTERN}" for n in range(5)),
    ]
)
"""Text forms of RFC 4291; no zone index, which means nothing on another machine."""

DEVICE_TYPES = ("ios", "android", "web", "pos", "atm", "api")
PAYMENT_METHODS = ("card", "bank_transfer", "wallet", "cash")


class PaymentKind(StrEnum):
    """What an event is. Its amount is above zero in any case: the kind gives the sign."""

    PAYMENT = "payment"
    REFUND = "refund"
    REVERSAL = "reversal"
    CHARGEBACK = "chargeback"
    FEE = "fee"


STATUSES = ("authorized", "captured", "settled", "failed", "canceled")
"""How far a payment is, as its sender says."""

MOVES_NOTHING = ("authorized", "failed", "canceled")
"""Of these no money was moved."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the event. In JSON every value is a string: money and time survive no other way.

    `pattern` is anchored at both ends; `values` is a closed list; `bigquery_type` is the type once parsed. `written_as`
    is the field's name in JSON, where that is another than its column's. `since` is the version that has it first, and
    `required_since` the one that needs it first, where earlier ones have payments without it.
    """

    name: str
    description: str
    required: bool = True
    pattern: str | None = None
    values: tuple[str, ...] | None = None
    bigquery_type: str = "STRING"
    written_as: str = ""
    since: str = SCHEMA_VERSION
    required_since: str = ""

    @property
    def json_name(self) -> str:
        """The field's name in JSON."""
        return self.written_as or self.name


FIELDS: tuple[Field, ...] = (
    Field("transaction_id", "The payment's id: the key of deduplication.", pattern=ID_PATTERN),
    Field(
        "event_time",
        "When the payment was made, RFC 3339 with zone.",
        pattern=EVENT_TIME_PATTERN,
        bigquery_type="TIMESTAMP",
    ),
    Field("sender_account_id", "Who pays; also the key of the Kafka record.", pattern=ID_PATTERN),
    Field("receiver_account_id", "Who is paid; never the sender.", pattern=ID_PATTERN),
    Field(
        "amount",
        "A decimal string above zero, with no more decimals than the currency's minor unit; trailing zeros are none.",
        pattern=AMOUNT_PATTERN,
        bigquery_type="NUMERIC",
    ),
    Field("currency", "ISO 4217: a currency that was valid at event_time.", values=tuple(sorted(MINOR_UNITS))),
    Field("country", "ISO 3166-1 alpha-2: where the payment was made.", required=False, values=COUNTRIES),
    Field("device_id", "The device that the payment was made on.", required=False, pattern=ID_PATTERN),
    Field("device_type", "The kind of device.", required=False, values=DEVICE_TYPES),
    Field(
        "ip_address",
        "IPv4 or IPv6 address of the device.",
        required=False,
        pattern=f"{IPV4_PATTERN}|{IPV6_PATTERN}",
    ),
    Field("payment_method", "How the payment was made.", required=False, values=PAYMENT_METHODS),
    Field(
        "merchant_category",
        "ISO 18245 merchant category code: 4 digits.",
        required=False,
        pattern=MERCHANT_CATEGORY_PATTERN,
    ),
    Field(
        "payment_kind",
        "What the event is: payment, refund, reversal, chargeback or fee; it gives the sign. NULL: a payment.",
        required=False,
        values=tuple(PaymentKind),
        written_as="kind",  # payment_corrections has another kind.
        since=SCHEMA_VERSION_2,
        required_since=SCHEMA_VERSION_2,
    ),
    Field(
        "original_transaction_id",
        "The payment that a refund, reversal, chargeback or fee is about.",
        required=False,
        pattern=ID_PATTERN,
        since=SCHEMA_VERSION_2,
    ),
    Field(
        "status",
        "How far it is, as its sender says: authorized, captured, settled, failed or canceled. NULL: it was made.",
        required=False,
        values=STATUSES,
        since=SCHEMA_VERSION_2,
    ),
)

FIELD_NAMES: tuple[str, ...] = tuple(field.name for field in FIELDS)
V1_FIELDS = tuple(field for field in FIELDS if field.since == SCHEMA_VERSION)
V2_FIELDS = FIELDS[len(V1_FIELDS) :]
"""Fields that version 2 brought. In an event of version 1 their names are unknown fields, as they always were."""


def fields_of(version: str) -> tuple[Field, ...]:
    """The fields that an event of a version has."""
    return V1_FIELDS if version == SCHEMA_VERSION else FIELDS


def required_of(version: str) -> frozenset[str]:
    """The names of the fields that an event of a version must have."""
    return frozenset(f.name for f in fields_of(version) if f.required or f.required_since == version)


def unless_default(field: Field, column: str) -> str:
    """SQL for a later field's value in the payload hash: NULL where earlier versions say the same without the field."""
    return f"nullif({column}, '{PaymentKind.PAYMENT}')" if field.name == "payment_kind" else column


LABEL_REASONS = {
    "country": Reason.UNKNOWN_COUNTRY,
    "device_id": Reason.INVALID_DEVICE_ID,
    "device_type": Reason.UNKNOWN_DEVICE_TYPE,
    "ip_address": Reason.INVALID_IP_ADDRESS,
    "payment_method": Reason.UNKNOWN_PAYMENT_METHOD,
    "merchant_category": Reason.INVALID_MERCHANT_CATEGORY,
}
LABELS = tuple(LABEL_REASONS)
"""Fields that describe a payment and decide nothing of it: one that cannot be read need not hold money back.

A status is none of them: it decides whether money was moved."""


class UnreadableLabels(StrEnum):
    """What becomes of a payment with a label that breaks its rule."""

    NULL = "null"
    """It is a payment without that label; what was written is kept in `dropped_labels`."""
    HOLD = "hold"
    """It is quarantined."""


def json_schema() -> dict[str, object]:
    """The contract as a JSON Schema document (draft 2020-12), for producers.

    JSON Schema cannot say: sender differs from receiver, decimals fit the currency, event_time against the broker's
    clock, no duplicate keys. Those rules hold all the same.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Payment event",
        "description": f"Value of a record on the payments topic, contract version {SCHEMA_VERSION_2} (header "
        f"{SCHEMA_VERSION_HEADER}); version {SCHEMA_VERSION}, that of records without the header, has no "
        f"{', '.join(field.json_name for field in V2_FIELDS)}.",
        "type": "object",
        "required": [field.json_name for field in FIELDS if field.name in required_of(SCHEMA_VERSION_2)],
        "properties": {field.json_name: _property(field) for field in FIELDS},
        "additionalProperties": True,
    }


def _property(field: Field) -> dict[str, object]:
    rule: dict[str, object] = {"description": field.description}
    is_required = field.name in required_of(SCHEMA_VERSION_2)
    rule["type"] = "string" if is_required else ["string", "null"]
    if field.pattern:
        rule["pattern"] = f"^(?:{field.pattern})$"
    if field.values:
        rule["enum"] = list(field.values) + ([] if is_required else [None])
    return rule
