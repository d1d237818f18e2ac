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

from spark_jobs.contract.payment_event import V2_FIELDS
from spark_jobs.incidents import one_line
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import full_name, table_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.table_setup import make_dataset

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

VIEW = "payment_transactions_promoted"
MAX_FIELDS = 100
"""Unknown fields that are described in one list, in order of their names. Any other can be named."""
TAKEN_BACK = "NONE"
"""The type in the row that takes a promotion back."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_RESERVED_PREFIXES = (
    *("_table_", "_file_", "_partition", "_row_timestamp", "__root__", "_colidentifier"),
    *("_change_sequence_number", "_change_type", "_change_timestamp"),
)
"""How no column of BigQuery may begin, in any case (its documentation)."""


_LATER_FIELDS = {field.name for field in V2_FIELDS}
"""Version 1 events may have such a field of their own: it is unknown, and may be promoted."""


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
    # A cast rounds what has more than nine decimals, and makes 0 of 1e-12.
    FieldType.NUMERIC: "safe_cast(scalar as numeric) is not null "
    "and regexp_contains(scalar, r'^-?(0|[1-9][0-9]*)([.][0-9]{1,9})?$')",
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


@dataclass(frozen=True, slots=True)
class UnknownFields:
    """The first fields by name, and how many there are besides."""

    described: list[UnknownField]
    more: int


def unknown_fields(client: "Client", settings: JobSettings) -> UnknownFields:
    """Every field that some payment carries and the contract does not know, by name. Nulls count as absent.

    Fields whose name is no identifier are kept as all are, and not listed: no column could be called so.
    """
    names = [row["field"] for row in run(client, names_sql(settings), {}) if _NAME.fullmatch(row["field"])]
    return UnknownFields(_described(client, settings, names[:MAX_FIELDS]), len(names[MAX_FIELDS:]))


def unknown_field(client: "Client", settings: JobSettings, name: str) -> UnknownField:
    """One of them, wherever it stands by its name.

    Raises:
        CannotPromote: it can be no column, or no payment carries it.
    """
    _refuse_unless_a_column(name)
    for field in _described(client, settings, [name]):
        return field
    raise CannotPromote(f"no payment carries a field {name!r}: `payments promote-field` lists those there are.")


def _described(client: "Client", settings: JobSettings, names: Sequence[str]) -> list[UnknownField]:
    if not names:
        return []
    promoted = {row["field"]: FieldType(row["type"]) for row in promotions(client, settings)}
    return [_field(row, promoted) for row in run(client, described_sql(settings, names), {})]


def names_sql(settings: JobSettings) -> str:
    """The names of all fields. Numbers are read as 0: one beyond a double would be no JSON to BigQuery."""
    number = r"([:,\[]\s*)-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
    return f"""
        select distinct field
        from `{table_id(settings, catalog.TRANSACTIONS)}` as t
        cross join unnest(json_keys(safe.parse_json(regexp_replace(t.extra_fields, r'{number}', r'\\10')), 1)) as field
        where t.extra_fields is not null
        order by field
        """


def _refuse_unless_a_column(name: str) -> None:
    if name.lower() in _OURS:
        raise CannotPromote(f"{name} is a column of {catalog.TRANSACTIONS.name} already.")
    if not _NAME.fullmatch(name):
        raise CannotPromote(
            f"{name!r} can be no column: a name is of 1 to 63 letters of ASCII, digits and _, and begins with no digit."
        )
    if name.lower().startswith(_RESERVED_PREFIXES):
        raise CannotPromote(f"{name} can be no column: BigQuery keeps names that begin so for itself.")


_OURS = {column.name for column in catalog.TRANSACTIONS.columns} - _LATER_FIELDS


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
    """The newest promotion of each field that is not taken back, by name."""
    sql = f"""
        select * from `{table_id(settings, catalog.PROMOTED_FIELDS)}` where true
        qualify row_number() over (partition by field order by promoted_at desc) = 1 order by field
        """
    return [row for row in run(client, sql, {}) if row["type"] != TAKEN_BACK and row["field"].lower() not in _OURS]


def promote(
    client: "Client", settings: JobSettings, name: str, type_: FieldType, *, promoted_by: str, reason: str
) -> UnknownField:
    """Read a field as a column of the view VIEW from now on, of another type where it is one already.

    Raises:
        CannotPromote: no payment carries it, or the view cannot be made with it. Then nothing is written.

    Returns:
        The field, as it is then.
    """
    unknown_field(client, settings, name)
    earlier = [row for row in promotions(client, settings) if row["field"] != name]
    for row in earlier:
        if row["field"].lower() == name.lower():
            raise CannotPromote(
                f"{row['field']} is a column already, and BigQuery does not tell it from {name}: "
                f"take it back first (`payments promote-field {row['field']} --undo --reason '...'`)."
            )
    _write(client, settings, name, str(type_), [*earlier, {"field": name, "type": str(type_)}], promoted_by, reason)
    return unknown_field(client, settings, name)


def take_back(client: "Client", settings: JobSettings, name: str, *, taken_back_by: str, reason: str) -> None:
    """Read a field as a column no longer. It stays in `extra_fields`, and its promotion stays on record.

    Raises:
        CannotPromote: it is no column, or the view cannot be made without it.
    """
    promoted = promotions(client, settings)
    if name not in {row["field"] for row in promoted}:
        raise CannotPromote(f"{name!r} is no promoted field: nothing to take back.")
    others = [row for row in promoted if row["field"] != name]
    _write(client, settings, name, TAKEN_BACK, others, taken_back_by, reason)


def _write(
    client: "Client",
    settings: JobSettings,
    name: str,
    type_: str,
    promoted: Sequence[dict[str, Any]],
    promoted_by: str,
    reason: str,
) -> None:
    """The view first, which the warehouse may refuse; then the row; then the view of all rows, if somebody else's came.

    A command that dies between the two leaves a view that the next one makes anew.
    """
    from google.api_core.exceptions import BadRequest

    if settings.marts_dataset:
        # Before the first build there may be none.
        make_dataset(client, settings, catalog.Layer.MARTS)
    try:
        run(client, view_sql(settings, promoted), {})
    except BadRequest as error:
        message = f"the view {VIEW} cannot be made so, and nothing was written: {one_line(error)}"
        raise CannotPromote(message) from error
    columns = ", ".join(column.name for column in catalog.PROMOTED_FIELDS.columns)
    values = {"field": name, "type": type_, "promoted_by": promoted_by, "reason": reason}
    sql = f"""
        insert into `{table_id(settings, catalog.PROMOTED_FIELDS)}` ({columns})
        values (@field, @type, @promoted_by, @reason, current_timestamp())
        """
    run(client, sql, values)
    now = promotions(client, settings)
    if {(row["field"], row["type"]) for row in now} != {(row["field"], row["type"]) for row in promoted}:
        run(client, view_sql(settings, now), {})


def view_sql(settings: JobSettings, promoted: Sequence[dict[str, Any]]) -> str:
    """The payments with their promoted fields as columns; NULL where a value does not fit the type.

    A field may have been promoted before the contract had it: its column says both, first what the contract reads.

    Raises:
        CannotPromote: an older version has promoted two fields that differ by case alone.
    """
    twins: dict[str, str] = {}
    for row in promoted:
        first = twins.setdefault(row["field"].lower(), row["field"])
        if first != row["field"]:
            raise CannotPromote(
                f"{first} and {row['field']} are both promoted, and BigQuery does not tell them apart: "
                "take one back (`payments promote-field NAME --undo --reason '...'`)."
            )
    own = [f"`{row['field']}`" for row in promoted if row["field"].lower() in _LATER_FIELDS]
    others = f" except ({', '.join(own)})" if own else ""
    columns = "".join(
        f",\n            {_converted(row['field'], FieldType(row['type']))} as `{row['field']}`" for row in promoted
    )
    return f"""
        create or replace view `{full_name(settings, VIEW)}` as
        select t.*{others}{columns}
        from `{table_id(settings, catalog.TRANSACTIONS)}` as t
        """


def _converted(name: str, type_: FieldType) -> str:
    column = _column(name, type_)
    return f"coalesce(safe_cast(t.{name} as {type_}), {column})" if name.lower() in _LATER_FIELDS else column


def _column(name: str, type_: FieldType) -> str:
    """The value, where it fits: a cast alone may round. As a STRING also an object or a list, as it was written."""
    scalar, value = f"json_value(t.extra_fields, '$.{name}')", f"json_query(t.extra_fields, '$.{name}')"
    if type_ is FieldType.STRING:
        return f"coalesce({scalar}, {value})"
    fits = re.sub(r"\b(scalar|value)\b", lambda found: scalar if found[0] == "scalar" else value, _FITS[type_])
    return f"if({fits}, safe_cast({scalar} as {type_}), null)"
