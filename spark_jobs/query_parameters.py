"""A statement's values as BigQuery's query parameters: they never become part of its text.

Belongs here: which type a value travels as. Does not belong here: statements, running them (warehouse.py).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.cloud.bigquery import QueryJobConfig


def with_values(parameters: Mapping[str, Any]) -> "QueryJobConfig":
    """The configuration of a query with these values by name; a list is of rows, each a dict."""
    from google.cloud.bigquery import QueryJobConfig

    return QueryJobConfig(query_parameters=[_parameter(name, value) for name, value in parameters.items()])


def type_of(value: Any) -> str:
    """BigQuery's name for the type that a value travels as."""
    from decimal import Decimal

    if isinstance(value, bool):
        return "BOOL"
    names = {int: "INT64", float: "FLOAT64", Decimal: "NUMERIC", datetime: "TIMESTAMP", str: "STRING"}
    return names.get(type(value), "TIMESTAMP" if value is None else "STRING")


def _parameter(name: str, value: Any) -> Any:
    from google.cloud import bigquery

    if isinstance(value, list):
        return bigquery.ArrayQueryParameter(name, "STRUCT", [_struct(None, row) for row in value])
    return bigquery.ScalarQueryParameter(name, type_of(value), value)


def _struct(name: str | None, row: Mapping[str, Any]) -> Any:
    from google.cloud import bigquery

    return bigquery.StructQueryParameter(
        name, *(bigquery.ScalarQueryParameter(k, type_of(v), v) for k, v in row.items())
    )
