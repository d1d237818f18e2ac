"""dbt's compiled statements, model by model in the order of the graph, before Google's own analyzer.

Belongs here: walking a target folder. Does not belong here: the analyzer (benchmarks.bytes), building.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.cloud.bigquery import ScalarQueryParameter
from zetasql.types import Type

from benchmarks.bytes.analyzer import KINDS, Warehouse, simple
from orchestration.assets.dbt_events import compiled_statement


def refused(target: Path, questions: Mapping[str, str]) -> dict[str, str]:
    """What the analyzer says of models and tests that it does not accept, by name, and columns that would be floats.

    So too of `questions` to the models and tables, by name, whose one parameter is @pipeline.

    Raises:
        AssertionError: there are none to ask about.
    """
    nodes: dict[str, dict[str, Any]] = json.loads((target / "manifest.json").read_text())["nodes"]
    warehouse = Warehouse()
    for seed in (node for node in nodes.values() if node["resource_type"] == "seed"):
        warehouse.add(seed["name"], {column: simple(kind) for column, kind in seed["config"]["column_types"].items()})
    errors: dict[str, str] = {}
    asked: set[str] = set()

    def ask(unique_id: str) -> None:
        node = nodes.get(unique_id)
        if node is None or unique_id in asked or node["resource_type"] not in ("model", "test"):
            return
        asked.add(unique_id)
        for parent in node["depends_on"]["nodes"]:
            ask(parent)
        if node["resource_type"] == "model":
            # One that keeps rows of an earlier build reads itself.
            declared = {name: column["data_type"] for name, column in node["columns"].items()}
            plain = {name: simple(kind) for name, kind in declared.items() if kind.upper() in KINDS}
            warehouse.add(node["name"], plain)
        try:
            columns = warehouse.columns_of(compiled_statement(target, node) or "")
        except Exception as error:  # noqa: BLE001 - the analyzer's errors have no class of their own
            errors[node["name"]] = str(error)
        else:
            if node["resource_type"] == "model":
                warehouse.add(node["name"], columns)
                if floats := [name for name, kind in columns.items() if _is_float_of_money(name, kind)]:
                    errors[node["name"]] = f"floats: {floats}"

    for unique_id in nodes:
        ask(unique_id)
    assert len(asked) > 50, "models and tests"
    for name, sql in questions.items():
        try:
            warehouse.columns_of(sql, [ScalarQueryParameter("pipeline", "STRING", "")] if "@pipeline" in sql else [])
        except Exception as error:  # noqa: BLE001 - as above
            errors[name] = str(error)
    return errors


def _is_float_of_money(column: str, kind: Type) -> bool:
    """Whether BigQuery would work a column out as FLOAT64 that is not a measurement of time."""
    return kind == simple("FLOAT64") and not column.endswith("_seconds")
