"""Mappings as somebody might write them, drawn by Hypothesis.

Belongs here: the files. Does not belong here: documents, what becomes of them.
"""

from hypothesis import strategies as st

from spark_jobs.contract.payment_event import FIELDS, Field
from spark_jobs.mapping.field_specs import OTHERWISE

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
