"""Which type an unknown field looks like, and the view that reads it."""

from datetime import UTC, datetime

from spark_jobs.corrections.promoted_fields import FieldType, UnknownField, view_sql
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
    assert f"if({fits}, safe_cast({number} as INT64), null) as points" in sql
    assert "coalesce(json_value(t.extra_fields, '$.tags'), json_query(t.extra_fields, '$.tags'))" in sql
