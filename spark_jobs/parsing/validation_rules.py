"""The contract's rules in SQL: which payments are fine, and what is wrong with the others.

Belongs here: every rule, as an expression over whole columns, and the two queries made of them. Does not belong here:
running them (validation). Pure text. The engine is DuckDB.
"""

from datetime import timedelta

from spark_jobs.contract.payment_event import (
    FIELDS,
    IPV4_PATTERN,
    LABEL_REASONS,
    LABELS,
    MAX_AMOUNT,
    MAX_FUTURE,
    MIN_YEAR,
    V1_FIELDS,
    V2_FIELDS,
    Field,
    Reason,
    unless_default,
)

_NOT_HASHED = ("transaction_id", "event_time", "amount")
"""The payload hash leaves these out: it takes the amount in minor units, so that 10.0 and 10.00 are the same money.

It covers the contract's fields alone. What a sender's framework adds (a trace id, the number of an attempt) makes no
other payment. It covered unknown fields once, as its last text; that text is empty now, so a payment without unknown
fields has the hash that it always had.
"""

_OLDEST = f"timestamptz '{MIN_YEAR}-01-01 00:00:00+00'"
_AHEAD = MAX_FUTURE // timedelta(microseconds=1)
_AMOUNT_MINOR = "try_cast(replace(digits, '.', '') || substr('0000', 1, minor_unit - decimals) as bigint)"
_IN_PERIOD = "epoch_us(event_at) >= valid_from_us and epoch_us(event_at) < valid_to_us"
_ID_HASH = "md5_number(coalesce(transaction_id, ''))"
_HASHED = ", ".join(f"coalesce({f.name}, '')" for f in V1_FIELDS if f.name not in _NOT_HASHED)
# Later fields share the last text, by name: without them it is as empty as it was before there were any. A payment of
# version 2 says the same as one of version 1, which has no kind.
_HASHED_LATER = ", ".join(f"chr(30) || '{f.name}=' || {unless_default(f, f.name)}" for f in V2_FIELDS)
_PAYLOAD_HASH = f"md5_number(concat_ws(chr(31), amount_minor, {_HASHED}, concat({_HASHED_LATER})))"
_FIRST_PAYLOAD_HASH = f"md5_number(concat_ws(chr(31), amount_minor, {_HASHED}, ''))"

_FIELD_REASONS = {
    "transaction_id": Reason.INVALID_TRANSACTION_ID,
    "sender_account_id": Reason.INVALID_ACCOUNT_ID,
    "receiver_account_id": Reason.INVALID_ACCOUNT_ID,
    "currency": Reason.UNKNOWN_CURRENCY,
    "payment_kind": Reason.UNKNOWN_KIND,
    "original_transaction_id": Reason.INVALID_ORIGINAL_TRANSACTION_ID,
    "status": Reason.UNKNOWN_STATUS,
    **LABEL_REASONS,
}


def _is_valid(field: Field) -> str:
    """An expression that is true where the field's text keeps its rule, false or null where not."""
    if field.name == "ip_address":
        # Nearly every address is IPv4: a case spares the other pattern, which is long.
        return (
            f"case when {_matches(field.name, IPV4_PATTERN)} then true else {_matches(field.name, field.pattern)} end"
        )
    return _matches(field.name, field.pattern)


def _is_broken(name: str) -> str:
    return f"({name} is not null and not coalesce({name}_ok, false))"


def _matches(column: str, pattern: str | None) -> str:
    return f"regexp_full_match({column}, '{pattern}')"


def _rules() -> dict[Reason, str]:
    """Each reason with the expression that is true where it applies, over the columns of `typed`."""
    missing = " or ".join(f"{f.name} is null" for f in FIELDS if f.required)
    broken: dict[Reason, list[str]] = {}
    for name, reason in _FIELD_REASONS.items():
        broken.setdefault(reason, []).append(f"({_is_broken(name)}{' and $1::boolean' if name in LABELS else ''})")
    return {
        # The strict path of the parser tells a missing field from one of the wrong type by itself.
        Reason.MISSING_FIELD: f"parse_reasons is null and ({missing})",
        Reason.INVALID_EVENT_TIME: "event_time is not null and event_at is null",
        Reason.EVENT_TIME_TOO_OLD: f"event_at < {_OLDEST}",
        Reason.EVENT_TIME_IN_FUTURE: f"epoch_us(event_at) - {_AHEAD} > kafka_us",
        Reason.SAME_ACCOUNT: "sender_account_id = receiver_account_id",
        Reason.INVALID_AMOUNT: "amount is not null and not amount_ok",
        Reason.AMOUNT_NOT_POSITIVE: "amount_ok and (starts_with(amount, '-') or not regexp_matches(amount, '[1-9]'))",
        Reason.AMOUNT_TOO_LARGE: (
            "amount_ok and not starts_with(amount, '-') and (amount_value is null or "
            f"case when amount_value >= {MAX_AMOUNT} "
            f"then not regexp_full_match(amount, '[0-9]{{1,12}}([.].*)?|{MAX_AMOUNT}([.]0*)?') end)"
        ),
        Reason.INVALID_KAFKA_TIMESTAMP: "not timestamp_ok",
        Reason.AMOUNT_TOO_PRECISE: "amount_ok and decimals > minor_unit",
        Reason.CURRENCY_OUT_OF_PERIOD: f"not coalesce({_IN_PERIOD}, true)",
    } | {reason: " or ".join(conditions) for reason, conditions in broken.items()}


def _fine(fields: tuple[Field, ...]) -> str:
    """A condition that none but payments without a reason meet, and all of them that there are in practice.

    One conjunction, where telling what is wrong takes a dozen expressions and a list of them.
    """
    checked = [f for f in fields if f.name in _FIELD_REASONS]
    conditions = [f"{f.name}_ok" if f.required else f"({f.name} is null or {f.name}_ok)" for f in checked]
    conditions += [
        "parse_reasons is null",
        "timestamp_ok",
        f"event_at >= {_OLDEST}",
        f"epoch_us(event_at) - {_AHEAD} <= kafka_us",
        "sender_account_id != receiver_account_id",
        "amount_ok",
        "decimals <= minor_unit",
        _IN_PERIOD,
        f"amount_value > 0 and amount_value <= {MAX_AMOUNT}",
    ]
    return " and ".join(conditions)


def _typed(records: str, fields: tuple[Field, ...]) -> str:
    """What all queries begin with: each record's fields, whether their texts are valid, and what they say."""
    checked = [f for f in fields if f.name in _FIELD_REASONS and not f.values]
    oks = ",\n".join(f"{_is_valid(f)} as {f.name}_ok" for f in checked)
    return f"""
    with texts as (
        select
            {records}.*,
            {_matches("amount", _pattern("amount"))} as amount_ok,
            case when {_matches("event_time", _pattern("event_time"))}
                then try_cast(upper(event_time) as timestamptz) end as event_at,
            {oks}
        from {records}
    ),
    measured as (
        -- Trailing zeros are no precision: 705.00 is a whole number.
        select *, case when contains(amount, '.') then rtrim(amount, '0') else amount end as digits from texts
    ),
    typed as (
        select
            *,
            case when amount_ok then try_cast(amount as decimal(18, 4)) end as amount_value,
            case when contains(digits, '.') then length(digits) - strpos(digits, '.') else 0 end as decimals
        from measured
    ),"""


def _fine_query(records: str, fields: tuple[Field, ...], payload_hash: str) -> str:
    return f"""
    {_typed(records, fields)}
    judged as (select *, coalesce({_fine(fields)}, false) as is_fine from typed),
    priced as (select *, case when is_fine then {_AMOUNT_MINOR} end as amount_minor from judged)
    select
        case when is_fine then epoch_us(event_at) end as event_time,
        case when is_fine then amount_value end as amount,
        amount_minor,
        {_ID_HASH} as id_hash,
        case when is_fine then {payload_hash} end as payload_hash,
        is_fine::utinyint as is_fine -- A boolean would arrive as an extension of Arrow's types.
    from priced
    """


def _other_query() -> str:
    rules = dict(sorted(_rules().items(), key=lambda rule: list(Reason).index(rule[0])))
    every = ", ".join(f"case when {condition} then '{reason}' end" for reason, condition in rules.items())
    fields = ",\n".join(_output(f) for f in FIELDS)
    cleaned = ", ".join(f"case when {name}_ok then {name} end as {name}" for name in LABELS)
    any_broken = " or ".join(map(_is_broken, LABELS))
    written = (f"case when {_is_broken(name)} then '\"{name}\":' || to_json({name}) end" for name in LABELS)
    dropped = f"'{{' || concat_ws(',', {', '.join(written)}) || '}}'"
    return f"""
    {_typed("records", FIELDS)}
    judged as (
        select
            *,
            list_concat(
                coalesce(parse_reasons, []), list_filter([{every}], lambda reason: reason is not null)
            ) as reasons
        from typed
    ),
    cleaned as (
        select * replace ({cleaned}), case when {any_broken} then {dropped} end as dropped_labels
        from judged
    )
    select
        {fields},
        case when amount_ok and amount_value > 0 and amount_value <= {MAX_AMOUNT} and decimals <= minor_unit
            then {_AMOUNT_MINOR} end as amount_minor,
        extra_fields,
        {_ID_HASH} as id_hash,
        case when len(reasons) = 0 then {_PAYLOAD_HASH} end as payload_hash,
        case when len(reasons) = 0 then dropped_labels end as dropped_labels,
        reasons
    from cleaned
    """


def _pattern(name: str) -> str | None:
    return next(field.pattern for field in FIELDS if field.name == name)


def _output(field: Field) -> str:
    if field.name == "event_time":
        valid = f"event_at between {_OLDEST} and '9999-12-31 23:59:59.999999+00'"
        return f"case when {valid} then epoch_us(event_at) end as event_time"
    if field.name == "amount":
        return f"case when amount_value > 0 and amount_value <= {MAX_AMOUNT} then amount_value end as amount"
    return f"case when {field.name}_ok then {field.name} end as {field.name}"


FINE_QUERY = _fine_query("records", FIELDS, _PAYLOAD_HASH)
"""Of every record whether it is fine (1 or 0), its `id_hash`, and where it is fine what its texts say; else null."""

FIRST_FINE_QUERY = _fine_query("first_records", V1_FIELDS, _FIRST_PAYLOAD_HASH)
"""The same of records that have none of the later fields: nearly all. What is not there need not be looked at."""

OTHER_QUERY = _other_query()
"""Records that are not fine: validation.VALIDATED_SCHEMA, with every reason.

Its parameter says whether a label that breaks its rule is a reason; if not, the label is null and in `dropped_labels`.
"""
