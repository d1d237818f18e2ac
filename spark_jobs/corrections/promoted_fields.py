"""Unknown fields: what senders put into payments that the contract does not know, and reading one of them as a column.

Belongs here: which there are, what type they look like, promoting one. Does not belong here: keeping them (parsing).
A promoted field stays in `extra_fields` as it was written, so that no hash, no row and no checkpoint changes; a view
reads it as a column, out of payments from before and after its promotion alike.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.table_setup import table_id

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

VIEW = "payment_transactions_promoted"
MAX_FIELDS = 100
"""Unknown fields that are looked at, in order of their names."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


class FieldType(StrEnum):
    """What a field can be read as, the narrowest first. No FLOAT64: it may be money."""

    BOOL = "BOOL"
    INT64 = "INT64"
    NUMERIC = "NUMERIC"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP"
    STRING = "STRING"


_FITS = {
    FieldType.BOOL: "value in ('true', 'false')",
    # Not what would lose its leading zeros.
    FieldType.INT64: "cast(safe_cast(scalar as int64) as string) = scalar",
    FieldType.NUMERIC: "safe_cast(scalar as numeric) is not null and not regexp_contains(scalar, r'^-?0[0-9]')",
    FieldType.DATE: "regexp_contains(scalar, r'^[0-9]{4}-[0-9]{2}-[0-9]{2}$') "
    "and safe_cast(scalar as date) is not null",
    FieldType.TIMESTAMP: "regexp_contains(scalar, r'^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]') "
    "and safe_cast(scalar as timestamp) is not null",
    FieldType.STRING: "true",
}


class CannotPromote(ValueError):
    """The field cannot be read as a column. The message is one line that says why."""


@dataclass(frozen=True, slots=True)
class UnknownField:
    """A field that the contract does not know. `fits` counts the payments whose value each type holds."""

    name: str
    payments: int
    distinct_values: int
    example: str
    first_seen_at: datetime
    last_seen_at: datetime
    fits: dict[FieldType, int]
    promoted_as: FieldType | None

    @property
    def inferred_type(self) -> FieldType:
        """The narrowest type that holds every value."""
        return next(type_ for type_ in FieldType if self.fits[type_] == self.payments)

    @property
    def misfits(self) -> int:
        """Payments whose value the promoted type does not hold: NULL in the view, kept in extra_fields."""
        return self.payments - self.fits[self.promoted_as] if self.promoted_as else 0


def unknown_fields(client: "Client", settings: JobSettings) -> list[UnknownField]:
    """Every field that some payment carries and the contract does not know, by name. Nulls count as absent.

    Fields whose name is no identifier are kept as all are, and not listed: no column could be called so.
    """
    names = _names(client, settings)
    if not names:
        return []
    promoted = {row["field"]: FieldType(row["type"]) for row in promotions(client, settings)}
    return [_field(row, promoted) for row in run(client, described_sql(settings, names), {})]


def _names(client: "Client", settings: JobSettings) -> list[str]:
    sql = f"""
        select distinct field
        from `{table_id(settings, catalog.TRANSACTIONS)}` as t
        cross join unnest(json_keys(parse_json(t.extra_fields, wide_number_mode => 'round'), 1)) as field
        where t.extra_fields is not null
        order by field
        """
    return [row["field"] for row in run(client, sql, {}) if _NAME.fullmatch(row["field"])][:MAX_FIELDS]


def described_sql(settings: JobSettings, names: Sequence[str]) -> str:
    """One row per field; the names have been held against a pattern."""
    each = " union all ".join(
        f"""
        select '{name}' as field, kafka_timestamp, json_query(extra_fields, '$.{name}') as value,
            json_value(extra_fields, '$.{name}') as scalar
        from `{table_id(settings, catalog.TRANSACTIONS)}`
        where extra_fields is not null"""
        for name in names
    )
    fits = ", ".join(f"countif(coalesce({fits}, false)) as fits_{type_}" for type_, fits in _FITS.items())
    return f"""
        select field, count(*) as payments, count(distinct value) as distinct_values, min(value) as example,
            min(kafka_timestamp) as first_seen_at, max(kafka_timestamp) as last_seen_at, {fits}
        from ({each})
        where value is not null and value != 'null'
        group by field order by field
        """


def _field(row: dict[str, Any], promoted: dict[str, FieldType]) -> UnknownField:
    given = {name: row[name] for name in ("payments", "distinct_values", "example", "first_seen_at", "last_seen_at")}
    fits = {type_: row[f"fits_{type_}"] for type_ in FieldType}
    return UnknownField(name=row["field"], fits=fits, promoted_as=promoted.get(row["field"]), **given)


def promotions(client: "Client", settings: JobSettings) -> list[dict[str, Any]]:
    """The newest promotion of each field, by name."""
    sql = f"""
        select * from `{table_id(settings, catalog.PROMOTED_FIELDS)}` where true
        qualify row_number() over (partition by field order by promoted_at desc) = 1 order by field
        """
    return run(client, sql, {})


def promote(
    client: "Client", settings: JobSettings, name: str, type_: FieldType, *, promoted_by: str, reason: str
) -> UnknownField:
    """Read a field as a column of the view VIEW from now on, of another type where it is one already.

    Raises:
        CannotPromote: no payment carries it.

    Returns:
        The field, as it is then.
    """
    if name.lower() in {column.name for column in catalog.TRANSACTIONS.columns}:
        raise CannotPromote(f"{name} is a column of {catalog.TRANSACTIONS.name} already.")
    if name not in _names(client, settings):
        raise CannotPromote(f"no payment carries a field {name!r}: `payments promote-field` lists those there are.")
    columns = ", ".join(column.name for column in catalog.PROMOTED_FIELDS.columns)
    values = {"field": name, "type": str(type_), "promoted_by": promoted_by, "reason": reason}
    sql = f"""
        insert into `{table_id(settings, catalog.PROMOTED_FIELDS)}` ({columns})
        values (@field, @type, @promoted_by, @reason, current_timestamp())
        """
    run(client, sql, values)
    # Made of all rows: of two promotions at once, the view that is made last has both.
    run(client, view_sql(settings, promotions(client, settings)), {})
    return next(field for field in unknown_fields(client, settings) if field.name == name)


def view_sql(settings: JobSettings, promoted: Sequence[dict[str, Any]]) -> str:
    """The payments with their promoted fields as columns; NULL where a value does not fit the type."""
    columns = "".join(
        f",\n            {_column(row['field'], FieldType(row['type']))} as {row['field']}" for row in promoted
    )
    return f"""
        create or replace view `{settings.project}.{settings.dataset}.{VIEW}` as
        select t.*{columns}
        from `{table_id(settings, catalog.TRANSACTIONS)}` as t
        """


def _column(name: str, type_: FieldType) -> str:
    """The value, where it fits: a cast alone may round. As a STRING also an object or a list, as it was written."""
    scalar, value = f"json_value(t.extra_fields, '$.{name}')", f"json_query(t.extra_fields, '$.{name}')"
    if type_ is FieldType.STRING:
        return f"coalesce({scalar}, {value})"
    fits = re.sub(r"\b(scalar|value)\b", lambda found: scalar if found[0] == "scalar" else value, _FITS[type_])
    return f"if({fits}, safe_cast({scalar} as {type_}), null)"
