"""Which columns each column of a model is made of, for Dagster's own lineage of columns.

Belongs here: reading the kept file. Does not belong here: tracing compiled SQL, which needs a warehouse: the tests of
dbt do that, and hold the file against it (`make column-lineage` writes it).
"""

import json
from functools import cache
from pathlib import Path

import dagster as dg

from orchestration.names import PREFIX

FILE = Path(__file__).with_name("column_lineage.json")
"""By model and column, the columns that it is made of, as `table.column`."""


def lineage_of(name: str) -> dg.TableColumnLineage | None:
    """The lineage of a model's columns; None of what is no model."""
    columns = _traced().get(name)
    if not columns:
        return None
    return dg.TableColumnLineage({column: [_dep(source) for source in sources] for column, sources in columns.items()})


def _dep(source: str) -> dg.TableColumnDep:
    table, _, column = source.partition(".")
    return dg.TableColumnDep(asset_key=dg.AssetKey([PREFIX, table]), column_name=column)


@cache
def _traced() -> dict[str, dict[str, list[str]]]:
    traced: dict[str, dict[str, list[str]]] = json.loads(FILE.read_text())
    return traced
