"""Google's own SQL analyzer (ZetaSQL, which BigQuery parses and resolves with), given our tables as its catalog.

Belongs here: the catalog and the one question, whether a statement is accepted. Does not belong here: which statements.
What it accepts may still differ in BigQuery's limits; what it refuses, BigQuery refuses.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.cloud import bigquery
from zetasql.api import Analyzer, CatalogBuilder, TableBuilder, TypeFactory
from zetasql.types import AnalyzerOptions, LanguageOptions, Type, TypeKind, ZetaSQLBuiltinFunctionOptions

from spark_jobs.tables.catalog import TABLES
from spark_jobs.tables.columns import Column

KINDS = {
    "STRING": TypeKind.TYPE_STRING,
    "INT64": TypeKind.TYPE_INT64,
    "FLOAT64": TypeKind.TYPE_DOUBLE,
    "NUMERIC": TypeKind.TYPE_NUMERIC,
    "BYTES": TypeKind.TYPE_BYTES,
    "BOOL": TypeKind.TYPE_BOOL,
    "DATE": TypeKind.TYPE_DATE,
    "TIMESTAMP": TypeKind.TYPE_TIMESTAMP,
}
_TABLE_PATH = re.compile(r"`[\w-]+`\.`\w+`\.`(\w+)`|`[\w-]+\.\w+\.(\w+)`")


def simple(name: str) -> Type:
    """A BigQuery type without parts, by its name."""
    return TypeFactory.create_simple_type(KINDS[name.upper()])


class Warehouse:
    """Tables by name, whatever project and dataset a statement names them with; ours are there already."""

    def __init__(self) -> None:
        self._language = LanguageOptions.maximum_features()
        self._language.reserved_keywords = ["QUALIFY"]
        builtin = ZetaSQLBuiltinFunctionOptions(language_options=self._language)
        self._catalog = CatalogBuilder("warehouse").with_builtin_functions(builtin).build()
        for table in TABLES:
            self.add(table.name, {column.name: _column_type(column) for column in table.columns})

    def add(self, name: str, columns: Mapping[str, Type]) -> None:
        """Make a table known."""
        table = TableBuilder(name)
        for column, type_ in columns.items():
            table = table.add_column(column, type_)
        self._catalog.table.append(table.build())

    def columns_of(self, sql: str, parameters: Iterable[Any] = ()) -> dict[str, Type]:
        """What a statement gives back, by name; nothing for one that is no query.

        Raises:
            Exception: the analyzer's own, with the place and the cause, where it does not accept the statement.
        """
        given = [AnalyzerOptions.QueryParameter(name=p.name, type=_parameter_type(p)) for p in parameters]
        options = AnalyzerOptions(
            language_options=self._language,
            query_parameters=given,
            system_variables=[AnalyzerOptions.SystemVariable(name_path=["row_count"], type=simple("INT64"))],
        )
        statement = Analyzer(options, self._catalog).analyze_statement(_TABLE_PATH.sub(_table_name, sql))
        return {column.name: column.column.type for column in getattr(statement, "output_column_list", None) or ()}

    def accept(self, script: str, parameters: Sequence[Any] = ()) -> None:
        """Every statement of a script that has no semicolons in its strings. Raises as `columns_of` does."""
        for statement in script.split(";"):
            if statement.strip():
                self.columns_of(statement, parameters)


def _table_name(path: re.Match[str]) -> str:
    return f"`{path[1] or path[2]}`"


def _column_type(column: Column) -> Type:
    type_ = simple(column.type)
    return TypeFactory.create_array_type(type_) if column.mode == "REPEATED" else type_


def _parameter_type(parameter: Any) -> Type:
    if isinstance(parameter, bigquery.ArrayQueryParameter):
        [first, *_] = parameter.values
        return TypeFactory.create_array_type(
            TypeFactory.create_struct_type([(name, simple(kind)) for name, kind in first.struct_types.items()])
            if isinstance(first, bigquery.StructQueryParameter)
            else simple(parameter.array_type)
        )
    return simple(parameter.type_)
