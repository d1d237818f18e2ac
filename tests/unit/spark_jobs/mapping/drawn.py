"""Mappings as somebody might write them, drawn by Hypothesis.

Belongs here: the files. Does not belong here: documents, what becomes of them.
"""

from hypothesis import strategies as st

from spark_jobs.contract.payment_event import FIELDS, ID_PATTERN, Field
from spark_jobs.mapping.field_specs import ABSENT, OTHERWISE
from spark_jobs.mapping.spec import FORMATS

TIMES = st.sampled_from(
    [
        "format='rfc3339'",
        "format='epoch_s'",
        "format='epoch_ns'",
        "format='local', zone='Europe/Berlin'",
        "format='iso8601'",
        "format='iso8601', zone='UTC', ambiguous='later'",
        "format='%Y%m%d%H%M', zone='UTC'",
    ]
)
UNITS = st.sampled_from(
    [
        "unit='minor'",
        "unit='minor', decimals={ISK=2}",
        "unit='major'",
        "unit='micros', sign='negate'",
        "unit='cents', sign='absolute'",
        "unit='major', encoding='connect_decimal', scale=2",
    ]
)
TESTS = st.sampled_from(
    ["is='paid'", "is=0", "is_not=true", "in=['paid', 1]", "not_in=['paid']", "starts_with='p'", "present=false"]
)


@st.composite
def mappings(draw: st.DrawFn, expressions: st.SearchStrategy[str]) -> str:
    """A mapping's text, which may be wrong."""

    def expression() -> str:
        return '"' + draw(expressions) + '"'

    def mapped(field: Field) -> str:
        known = next(iter(field.values)) if field.values else "known"
        otherwise = draw(st.sampled_from(("refuse", "keep") if field.required else OTHERWISE))
        source = f"from = {expression()}, map = {{ paid = '{known}' }}"
        return f"{field.json_name} = {{ {source}, otherwise = '{otherwise}' }}"

    lines = ["mapping = 1", "version = '1'"]
    for number in range(draw(st.integers(0, 2))):
        lines += ["[[ignore]]", f"rule = 'r{number}'", f"path = {expression()}", draw(TESTS)]
    if draw(st.booleans()):
        lines += ["[[ignore]]", "rule = 'deleted'", "tombstone = true"]
    lines += ["[fields]"]
    for field in FIELDS:
        if field.bigquery_type == "TIMESTAMP":
            lines.append(f"{field.json_name} = {{ from = {expression()}, {draw(TIMES)} }}")
        elif field.bigquery_type == "NUMERIC":
            lines.append(f"{field.json_name} = {{ from = {expression()}, {draw(UNITS)} }}")
        elif field.required or draw(st.booleans()):
            lines.append(f"{field.json_name} = {expression()}" if draw(st.booleans()) else mapped(field))
    lines += ["[extra]", f"kept = {expression()}"]
    return "\n".join(lines)


PATHS = st.sampled_from(
    (
        *("id", "amount", "at", "currency", "data", "data.id", "data.amount", "data.paid_at", "payer.id"),
        *("amount_minor", "lines[only].name", "lines[0].price_minor", "data[name=id].value", "before.id", "nothing"),
    )
)
PLACES = st.one_of(
    PATHS,
    st.builds("first({}, {})".format, PATHS, PATHS),
    st.builds("if_there({}, {})".format, PATHS, PATHS),
    st.sampled_from(["key()", "timestamp()", "header('ce_id')"]),
)
KNOWN = {"ip_address": "127.0.0.1", "merchant_category": "5411"}
"""What a map may give where not every text is allowed."""

TEXTS_OF = st.one_of(
    PLACES,
    st.builds("{}({})".format, st.sampled_from(["upper", "lower", "trim"]), PLACES),
    st.builds("pad({}, 4)".format, PATHS),
    st.builds("after_last({}, '/')".format, PATHS),
    st.builds("{} + '-' + {}".format, PATHS, PATHS),
)
IDS = TEXTS_OF | st.builds("{}({}, {})".format, st.sampled_from(["hash", "escape"]), PLACES, PLACES)


@st.composite
def accepted_mappings(draw: st.DrawFn) -> str:
    """A mapping's text that the check accepts, of any format."""
    lines = ["mapping = 1", "version = '1'", f"format = '{draw(st.sampled_from(FORMATS))}'"]
    for number in range(draw(st.integers(0, 2))):
        lines += ["[[ignore]]", f"rule = 'r{number}'", f'path = "{draw(TEXTS_OF)}"', draw(TESTS)]
    if draw(st.booleans()):
        lines += ["[[ignore]]", "rule = 'deleted'", "tombstone = true"]
    lines += ["[fields]", f'transaction_id = "{draw(IDS)}"']
    lines += [f'sender_account_id = "{draw(IDS)}"', "receiver_account_id = { constant = 'shop' }"]
    lines += [draw(st.sampled_from(['currency = "upper(currency)"', "currency = { constant = 'EUR' }"]))]
    lines += [f'event_time = {{ from = "{draw(PLACES)}", {draw(TIMES)} }}']
    lines += [f'amount = {{ from = "{draw(PLACES)}", {draw(UNITS)} }}']
    for field in FIELDS:
        if not field.required and draw(st.booleans()):
            lines.append(f"{field.json_name} = {_optional(draw, field)}")
    lines += ["[extra]", f'kept = "{draw(TEXTS_OF)}"'] if draw(st.booleans()) else []
    return "\n".join(lines)


def _optional(draw: st.DrawFn, field: Field) -> str:
    if draw(st.booleans()):
        return f'"{draw(IDS if field.pattern == ID_PATTERN else TEXTS_OF)}"'
    known = next(iter(field.values)) if field.values else KNOWN.get(field.name, "known")
    refused = field.required_since or field.name == "status"
    otherwise = draw(st.sampled_from([each for each in OTHERWISE if not (each == ABSENT and refused)]))
    return f"{{ from = \"{draw(PLACES)}\", map = {{ paid = '{known}' }}, otherwise = '{otherwise}' }}"
