"""Parsed columns into typed columns, hashes and the reasons for quarantine.

Belongs here: every rule of the contract, as an expression over whole columns. Does not belong here: reading JSON
(parsing.py), deciding duplicates (tagging.py). Pure: the engine is an in-process DuckDB that touches no file.
"""

import functools
from datetime import timedelta

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.contract import (
    FIELD_NAMES,
    FIELDS,
    IPV4_PATTERN,
    MAX_AMOUNT,
    MAX_FUTURE,
    MIN_YEAR,
    Field,
    Reason,
)
from spark_jobs.iso_codes import MINOR_UNITS

_NOT_HASHED = ("transaction_id", "event_time", "amount")
"""The payload hash leaves these out: it takes the amount in minor units, so that 10.0 and 10.00 are the same money."""

_TIMESTAMP = pa.timestamp("us", "UTC")
_AMOUNT = pa.decimal128(38, 9)
"""BigQuery's NUMERIC. The engine reads amounts as decimal(18, 4), which holds all that the contract allows."""

VALIDATED_SCHEMA = pa.schema(
    [
        *(
            pa.field(f.name, {"TIMESTAMP": _TIMESTAMP, "NUMERIC": _AMOUNT}.get(f.bigquery_type, pa.string()))
            for f in FIELDS
        ),
        pa.field("amount_minor", pa.int64()),
        pa.field("extra_fields", pa.string()),
        pa.field("id_hash", pa.binary(16)),
        pa.field("payload_hash", pa.binary(16)),
        pa.field("reasons", pa.list_(pa.string())),
    ]
)
"""One row per record. A field whose value breaks its rule is null. `reasons` is empty where the payment is valid;
`payload_hash` is null where the payment is not valid."""

_WORTH_OPTIMIZING = 4_000
"""Rows from which on a better plan saves more than it costs to find: it takes longer than to judge a thousand rows."""

_FIELD_REASONS = {
    "transaction_id": Reason.INVALID_TRANSACTION_ID,
    "sender_account_id": Reason.INVALID_ACCOUNT_ID,
    "receiver_account_id": Reason.INVALID_ACCOUNT_ID,
    "currency": Reason.UNKNOWN_CURRENCY,
    "country": Reason.UNKNOWN_COUNTRY,
    "device_id": Reason.INVALID_DEVICE_ID,
    "device_type": Reason.UNKNOWN_DEVICE_TYPE,
    "ip_address": Reason.INVALID_IP_ADDRESS,
    "payment_method": Reason.UNKNOWN_PAYMENT_METHOD,
    "merchant_category": Reason.INVALID_MERCHANT_CATEGORY,
}


def validate(parsed: pa.Table, kafka_timestamps: pa.Array) -> pa.Table:
    """Columns of VALIDATED_SCHEMA, one row per row of `parsed` (parsing.PARSED_SCHEMA), in order.

    Args:
        parsed: what parsing.parse returned.
        kafka_timestamps: when each record was written to the broker; timestamp[us, UTC], as long as `parsed`.
    """
    records = parsed.append_column("kafka_us", kafka_timestamps.cast(pa.int64()))
    for name, column in _looked_up(parsed).items():
        records = records.append_column(name, column)
    engine = _engine(optimizes=parsed.num_rows >= _WORTH_OPTIMIZING)
    engine.register("records", records)
    try:
        return engine.execute(_QUERY).to_arrow_table().cast(VALIDATED_SCHEMA)
    finally:
        engine.unregister("records")


def _looked_up(parsed: pa.Table) -> dict[str, pa.ChunkedArray]:
    """What a code is held against a list for, by hash: the engine would compare each with all of hundreds."""
    currency = pc.index_in(parsed["currency"], value_set=pa.array(MINOR_UNITS))
    return {
        "minor_unit": pc.take(pa.array(MINOR_UNITS.values(), pa.int32()), currency),
        **{f"{f.name}_ok": pc.is_in(parsed[f.name], value_set=pa.array(f.values)) for f in FIELDS if f.values},
    }


@functools.cache
def _engine(*, optimizes: bool) -> duckdb.DuckDBPyConnection:
    """A connection for the process: made on first use, after Spark has forked its workers."""
    # Lossless: a 128-bit number arrives as its 16 bytes. Those of an MD5 are the digest as it is written.
    engine = duckdb.connect(config={"threads": 1, "arrow_lossless_conversion": True})
    if not optimizes:
        engine.execute("pragma disable_optimizer")
    return engine


def _is_valid(field: Field) -> str:
    """An expression that is true where the field's text keeps its rule, false or null where not."""
    if field.name == "ip_address":
        # Nearly every address is IPv4: a case spares the other pattern, which is long.
        return (
            f"case when {_matches(field.name, IPV4_PATTERN)} then true else {_matches(field.name, field.pattern)} end"
        )
    return _matches(field.name, field.pattern)


def _matches(column: str, pattern: str | None) -> str:
    return f"regexp_full_match({column}, '{pattern}')"


def _rules() -> dict[Reason, str]:
    """Each reason with the expression that is true where it applies, over the columns of `typed`."""
    missing = " or ".join(f"{f.name} is null" for f in FIELDS if f.required)
    broken: dict[Reason, list[str]] = {}
    for name, reason in _FIELD_REASONS.items():
        broken.setdefault(reason, []).append(f"({name} is not null and not coalesce({name}_ok, false))")
    return {
        # The strict path of the parser tells a missing field from one of the wrong type by itself.
        Reason.MISSING_FIELD: f"parse_reasons is null and ({missing})",
        Reason.INVALID_EVENT_TIME: "event_time is not null and event_at is null",
        Reason.EVENT_TIME_TOO_OLD: f"event_at < timestamptz '{MIN_YEAR}-01-01 00:00:00+00'",
        Reason.EVENT_TIME_IN_FUTURE: (f"epoch_us(event_at) - {MAX_FUTURE // timedelta(microseconds=1)} > kafka_us"),
        Reason.SAME_ACCOUNT: "sender_account_id = receiver_account_id",
        Reason.INVALID_AMOUNT: "amount is not null and not amount_ok",
        Reason.AMOUNT_NOT_POSITIVE: "amount_ok and (starts_with(amount, '-') or not regexp_matches(amount, '[1-9]'))",
        Reason.AMOUNT_TOO_LARGE: (
            "amount_ok and not starts_with(amount, '-') and (amount_value is null or "
            f"case when amount_value >= {MAX_AMOUNT} "
            f"then not regexp_full_match(amount, '[0-9]{{1,12}}([.].*)?|{MAX_AMOUNT}([.]0*)?') end)"
        ),
        Reason.AMOUNT_TOO_PRECISE: "amount_ok and decimals > minor_unit",
    } | {reason: " or ".join(conditions) for reason, conditions in broken.items()}


def _query() -> str:
    rules = dict(sorted(_rules().items(), key=lambda rule: list(Reason).index(rule[0])))
    checked = [f for f in FIELDS if f.name in _FIELD_REASONS and not f.values]
    oks = ",\n".join(f"{_is_valid(f)} as {f.name}_ok" for f in checked)
    any_broken = " or ".join(f"coalesce({condition}, false)" for condition in rules.values())
    every = ", ".join(f"case when {condition} then '{reason}' end" for reason, condition in rules.items())
    fields = ",\n".join(_output(f) for f in FIELDS)
    payload = ", ".join(f"coalesce({name}, '')" for name in (*FIELD_NAMES, "extra_fields") if name not in _NOT_HASHED)
    return f"""
    with texts as (
        select
            records.*,
            {_matches("amount", _pattern("amount"))} as amount_ok,
            case when {_matches("event_time", _pattern("event_time"))}
                then try_cast(upper(event_time) as timestamptz) end as event_at,
            {oks}
        from records
    ),
    typed as (
        select
            *,
            case when amount_ok then try_cast(amount as decimal(18, 4)) end as amount_value,
            case when contains(amount, '.') then length(amount) - strpos(amount, '.') else 0 end as decimals
        from texts
    ),
    judged as (
        select
            *,
            case
                when {any_broken} or len(parse_reasons) > 0
                then list_concat(
                    coalesce(parse_reasons, []), list_filter([{every}], lambda reason: reason is not null)
                )
                else []
            end as reasons
        from typed
    )
    select
        {fields},
        case when amount_ok and amount_value > 0 and amount_value <= {MAX_AMOUNT} and decimals <= minor_unit
            then try_cast(replace(amount, '.', '') || substr('0000', 1, minor_unit - decimals) as bigint)
        end as amount_minor,
        extra_fields,
        md5_number(coalesce(transaction_id, '')) as id_hash,
        case when len(reasons) = 0
            then md5_number(concat_ws(chr(31), amount_minor, {payload})) end as payload_hash,
        reasons
    from judged
    """


def _pattern(name: str) -> str | None:
    return next(field.pattern for field in FIELDS if field.name == name)


def _output(field: Field) -> str:
    if field.name == "event_time":
        valid = f"event_at between timestamptz '{MIN_YEAR}-01-01 00:00:00+00' and '9999-12-31 23:59:59.999999+00'"
        return f"case when {valid} then epoch_us(event_at) end as event_time"
    if field.name == "amount":
        return f"case when amount_value > 0 and amount_value <= {MAX_AMOUNT} then amount_value end as amount"
    return f"case when {field.name}_ok then {field.name} end as {field.name}"


_QUERY = _query()
