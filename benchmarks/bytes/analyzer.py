"""Google's own SQL analyzer (ZetaSQL, which BigQuery parses and resolves with), given our tables as its catalog.

Belongs here: the catalog, whether a statement is accepted, and what it resolves to. Does not belong here: which
statements (the tests and recorded), what a resolved statement reads (columns, pruning). What it accepts may still
differ in BigQuery's limits; what it refuses, BigQuery refuses.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import wasmtime
from google.cloud import bigquery
from zetasql.api import CatalogBuilder, TableBuilder, TypeFactory
from zetasql.core import wasm_client
from zetasql.core.local_service import ZetaSqlLocalService
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
_TIMESTAMP = re.compile(r"\btimestamp\s+('[^']*')|\bcast\(('[^']*') as timestamp\)", re.IGNORECASE)
_INTERVAL = re.compile(r"\binterval\s+'(\d+)'\s+(\w+)", re.IGNORECASE)
"""As the local warehouse writes a view's text down."""
_TOKEN = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|;)|--[^\n]*|/\*.*?\*/""", re.DOTALL)
"""A text, a name, or the end of a statement; or a comment."""
_DECLARED = re.compile(r"\s*declare (?P<name>\w+) (?P<type>\w+)\b", re.IGNORECASE)
"""What the analyzer leaves to the one who runs the script."""
_TABLE_PATH = re.compile(r"`[\w-]+`\.`\w+`\.`(\w+)`|`[\w-]+\.\w+\.(\w+)`")


class _CompiledOnce(wasmtime.Config):
    """With the cache of compiled modules: to compile the analyzer takes 18 s of a core, to load it half a second."""

    def __init__(self) -> None:
        super().__init__()
        # Where there is no folder for it, each process compiles.
        with suppress(wasmtime.WasmtimeError):
            self.cache = True


wasm_client.Config = _CompiledOnce


def simple(name: str) -> Type:
    """A BigQuery type without parts, by its name."""
    return TypeFactory.create_simple_type(KINDS[name.upper()])


def type_named(name: str) -> Type:
    """A column's type, as a recording has it: simple, or an array of what is."""
    if name.startswith("ARRAY<"):
        return TypeFactory.create_array_type(simple(name[len("ARRAY<") : -1]))
    return simple(name)


class Warehouse:
    """Tables by name, whatever project and dataset a statement names them with; ours are there already."""

    def __init__(self, *, has_ours: bool = True) -> None:
        self._language = LanguageOptions.maximum_features()
        self._language.reserved_keywords = ["QUALIFY"]
        builtin = ZetaSQLBuiltinFunctionOptions(language_options=self._language)
        self._catalog = CatalogBuilder("warehouse").with_builtin_functions(builtin).build()
        for table in TABLES if has_ours else ():
            self.add(table.name, {column.name: _column_type(column) for column in table.columns})

    def add(self, name: str, columns: Mapping[str, Type]) -> None:
        """Make a table known; one of that name that is known already is no more."""
        table = TableBuilder(name)
        for column, type_ in columns.items():
            table = table.add_column(column, type_)
        self._catalog.table[:] = [known for known in self._catalog.table if known.name != name]
        self._catalog.table.append(table.build())
        if (registered := self.__dict__.pop("_registered", None)) is not None:
            ZetaSqlLocalService.get_instance().unregister_catalog(registered_id=registered)

    @cached_property
    def _registered(self) -> int:
        """The catalog's number in the analyzer, which would else read all of it for every statement."""
        return int(ZetaSqlLocalService.get_instance().register_catalog(simple_catalog=self._catalog).registered_id)

    def columns_of(self, sql: str, parameters: Iterable[Any] = ()) -> dict[str, Type]:
        """What a statement gives back, by name; nothing for one that is no query.

        Raises:
            Exception: the analyzer's own, with the place and the cause, where it does not accept the statement.
        """
        statement = self._analyzed(sql, {p.name: _parameter_type(p) for p in parameters})
        return {column.name: column.column.type for column in getattr(statement, "output_column_list", None) or ()}

    def resolve(self, sql: str, parameters: Mapping[str, Type]) -> Any:
        """The resolved statement, without columns that nobody asks for. Raises as `columns_of` does.

        A TIMESTAMP literal is resolved as a call of timestamp(): the analyzer's nodes lose the value of the literal.
        """
        plain = _INTERVAL.sub(
            r"interval \1 \2", _TIMESTAMP.sub(lambda found: f"timestamp({found[1] or found[2]})", sql)
        )
        return self._analyzed(plain, parameters)

    def _analyzed(self, sql: str, parameters: Mapping[str, Type]) -> Any:
        given = [AnalyzerOptions.QueryParameter(name=name, type=type_) for name, type_ in parameters.items()]
        options = AnalyzerOptions(
            language_options=self._language,
            query_parameters=given,
            default_timezone="UTC",
            system_variables=[AnalyzerOptions.SystemVariable(name_path=["row_count"], type=simple("INT64"))],
        )
        options.prune_unused_columns = True
        answer = ZetaSqlLocalService.get_instance().analyze(
            sql_statement=_TABLE_PATH.sub(_table_name, sql), options=options, registered_catalog_id=self._registered
        )
        return answer.resolved_statement

    def accept(self, script: str, parameters: Sequence[Any] = ()) -> None:
        """Every statement of a script, its variables as parameters. Raises as `columns_of` does."""
        variables: list[bigquery.ScalarQueryParameter] = []
        for statement in statements_of(script):
            if declared := _DECLARED.match(statement):
                variables.append(bigquery.ScalarQueryParameter(declared["name"], declared["type"].upper(), None))
                continue
            for variable in variables:
                statement = re.sub(rf"\bset {variable.name} =", "select", statement)
                statement = re.sub(rf"(?<![@.`\w]){variable.name}\b", f"@{variable.name}", statement)
            self.columns_of(statement, (*parameters, *variables))


def statements_of(script: str) -> Iterator[str]:
    """The statements of a script, without their comments."""
    bare = _TOKEN.sub(lambda found: found[1] or " ", script)
    statements, ends = [], [found.start() for found in _TOKEN.finditer(bare + ";") if found[0] == ";"]
    begins = 0
    for end in ends:
        statements.append(bare[begins:end])
        begins = end + 1
    return (statement for statement in statements if statement.strip())


def sent_type(sent: Mapping[str, Any]) -> Type:
    """The type of a parameter, as the API has it."""
    match sent["type"]:
        case "ARRAY":
            return TypeFactory.create_array_type(sent_type(sent["arrayType"]))
        case "STRUCT":
            return TypeFactory.create_struct_type([(f["name"], sent_type(f["type"])) for f in sent["structTypes"]])
        case name:
            return simple(name)


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
