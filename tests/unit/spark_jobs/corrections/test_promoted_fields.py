"""Which type an unknown field looks like, and the view that reads it."""

import re
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from google.api_core.exceptions import BadRequest

from benchmarks.bytes.analyzer import Warehouse
from spark_jobs.corrections import promoted_fields
from spark_jobs.corrections.promoted_fields import (
    TAKEN_BACK,
    CannotPromote,
    FieldType,
    UnknownField,
    described_sql,
    names_sql,
    promote,
    take_back,
    view_sql,
)
from spark_jobs.settings import read_job_settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def field(promoted_as: FieldType | None = None, **fits: int) -> UnknownField:
    counts = {type_: fits.get(type_, 0) for type_ in FieldType} | {FieldType.STRING: 3}
    return UnknownField("points", 3, 2, "7", NOW, NOW, counts, promoted_as)


def test_the_narrowest_type_that_holds_every_value_is_offered() -> None:
    assert field(INT64=3, NUMERIC=3).inferred_type is FieldType.INT64
    assert field(INT64=2, NUMERIC=3).inferred_type is FieldType.NUMERIC
    assert field(INT64=2, NUMERIC=2, DATE=1).inferred_type is FieldType.STRING


def test_what_a_promoted_type_does_not_hold_is_counted() -> None:
    assert field(FieldType.INT64, INT64=2, NUMERIC=3).misfits == 1
    assert field(None, INT64=2).misfits == 0


def test_a_promoted_field_is_read_out_of_the_json_that_is_kept() -> None:
    sql = view_sql(read_job_settings({}), [{"field": "points", "type": "INT64"}, {"field": "tags", "type": "STRING"}])
    number = "json_value(t.extra_fields, '$.points')"
    fits = f"cast(safe_cast({number} as int64) as string) = {number}"
    assert f"if({fits}, safe_cast({number} as INT64), null) as `points`" in sql
    assert "coalesce(json_value(t.extra_fields, '$.tags'), json_query(t.extra_fields, '$.tags'))" in sql


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("12.5", True),
        ("-0.123456789", True),
        ("0", True),
        ("0.1234567891", False),
        ("1e-12", False),
        ("1E5", False),
        ("007", False),
        (" 7", False),
    ],
)
def test_a_number_that_a_cast_would_round_is_no_numeric(text: str, is_read: bool) -> None:
    sql = view_sql(SETTINGS, [{"field": "points", "type": "NUMERIC"}])
    [pattern] = re.findall(r"regexp_contains\(json_value\(t.extra_fields, '\$.points'\), r'(.*?)'\)", sql)
    assert bool(re.search(pattern, text)) is is_read


SETTINGS = read_job_settings({})
KEYWORDS = ("order", "select", "group", "from", "to", "end", "QUALIFY", "_", "a1")


def test_a_field_called_like_a_keyword_is_a_column_in_googles_own_eyes() -> None:
    rows = [{"field": name, "type": str(type_)} for name in KEYWORDS for type_ in [FieldType.NUMERIC]]
    query = view_sql(SETTINGS, rows).partition(" as\n")[2]
    warehouse = Warehouse()
    assert list(warehouse.columns_of(query))[-len(KEYWORDS) :] == list(KEYWORDS)
    warehouse.accept(described_sql(SETTINGS, KEYWORDS))
    warehouse.accept(names_sql(SETTINGS))


@pytest.mark.parametrize(
    "text", ['{"a":1e400}', '{"a":[-1E+999, 12.5e4],"b":10}', '{"a": 1' + "0" * 400 + "}", '{"x":"n:1e5, 7","y":0.5}']
)
def test_a_number_beyond_a_double_is_read_as_zero_where_only_names_are_asked(text: str) -> None:
    [pattern] = re.findall(r"r'(.*?)', r'", names_sql(SETTINGS))
    plain = re.sub(pattern, r"\g<1>0", text)
    assert re.findall('"([a-z])":', plain) == re.findall('"([a-z])":', text)
    assert not re.search("[1-9]", plain)


class Recorded:
    """A warehouse of one table, promoted_fields, that notes what is written and refuses a view on demand."""

    def __init__(self, *rows: tuple[str, str], carried: tuple[str, ...] = (), refuses: str = "") -> None:
        self.rows, self.carried, self.refuses = list(rows), carried, refuses
        self.views: list[str] = []

    def run(self, _: object, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        if "create or replace view" in sql:
            if self.refuses:
                raise BadRequest(self.refuses)  # type: ignore[no-untyped-call]
            self.views.append(sql)
        elif "insert into" in sql:
            self.rows.append((values["field"], values["type"]))
        elif "qualify" in sql:
            return [{"field": name, "type": type_} for name, type_ in sorted(dict(self.rows).items())]
        elif "fits_INT64" in sql:
            found = [name for name in self.carried if f"'{name}' as field" in sql]
            moments = dict.fromkeys(("first_seen_at", "last_seen_at"), NOW)
            return [
                {"field": name, "payments": 1, "distinct_values": 1, "example": "7"}
                | moments
                | {f"fits_{type_}": 1 for type_ in FieldType}
                for name in found
            ]
        return []


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(*rows: tuple[str, str], **options: Any) -> Recorded:
        warehouse = Recorded(*rows, **options)
        monkeypatch.setattr(promoted_fields, "run", warehouse.run)
        return warehouse

    return make


WHO = {"promoted_by": "operator", "reason": "asked"}


def do(name: str) -> UnknownField:
    return promote(cast("Any", None), SETTINGS, name, FieldType.INT64, **WHO)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("amount", "is a column of payment_transactions already"),
        ("Amount", "is a column of payment_transactions already"),
        ("loyalty-points", "letters of ASCII, digits and _"),
        ("Gr\u00f6\u00dfe", "letters of ASCII, digits and _"),
        ("x" * 64, "1 to 63 letters"),
        ("_PARTITIONTIME", "BigQuery keeps names"),
        ("absent", "no payment carries a field 'absent'"),
        ("Note", "note is a column already, and BigQuery does not tell it from Note"),
    ],
)
def test_what_cannot_be_a_column_is_one_line_and_nothing_is_written(given: Any, name: str, message: str) -> None:
    warehouse = given(("note", "STRING"), carried=("note", "Note", "amount"))
    with pytest.raises(CannotPromote, match=re.escape(message)) as refused:
        do(name)
    assert "\n" not in str(refused.value)
    assert (warehouse.rows, warehouse.views) == ([("note", "STRING")], [])


def test_a_view_that_the_warehouse_refuses_leaves_no_row(given: Any) -> None:
    warehouse = given(carried=("zeta",), refuses="Syntax error\nat [1:2]")
    with pytest.raises(CannotPromote, match=r"cannot be made so, and nothing was written: Syntax error$"):
        do("zeta")
    assert warehouse.rows == []


def test_a_promotion_is_taken_back_and_stays_on_record(given: Any) -> None:
    warehouse = given(("note", "STRING"), carried=("note", "Note"))
    who = {"taken_back_by": "operator", "reason": "a slip"}
    take_back(cast("Any", None), SETTINGS, "note", **who)
    assert warehouse.rows == [("note", "STRING"), ("note", TAKEN_BACK)]
    assert "note" not in warehouse.views[-1]
    with pytest.raises(CannotPromote, match="no promoted field"):
        take_back(cast("Any", None), SETTINGS, "note", **who)
    assert do("Note").promoted_as is FieldType.INT64
    assert "as `Note`" in warehouse.views[-1]


def test_two_columns_that_an_older_version_made_alike_are_named_and_one_can_go(given: Any) -> None:
    warehouse = given(("note", "STRING"), ("Note", "STRING"), carried=("note", "Note", "zeta"))
    with pytest.raises(CannotPromote, match="Note and note are both promoted"):
        do("zeta")
    assert len(warehouse.rows) == 2
    take_back(cast("Any", None), SETTINGS, "Note", taken_back_by="operator", reason="a slip")
    assert do("zeta").promoted_as is FieldType.INT64


def test_what_the_contract_knows_by_now_is_no_column_twice(given: Any) -> None:
    warehouse = given(("amount", "NUMERIC"), carried=("zeta",))
    do("zeta")
    assert "as `amount`" not in warehouse.views[-1]
