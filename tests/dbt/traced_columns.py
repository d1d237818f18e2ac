"""The columns that each column of a compiled model is made of.

Belongs here: tracing, by sqlglot. Does not belong here: keeping what was traced (orchestration.assets), building.
"""

import json
import warnings
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    # It warns of its own companion when it is first imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import sqlglot
    from sqlglot import exp
    from sqlglot.lineage import Node, lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

from orchestration.assets.dbt_events import compiled_statement

type Traced = dict[str, dict[str, list[str]]]
"""By model and column, `table.column` of the tables, seeds and models that it reads, in order."""


def traced_columns(target: Path) -> Traced:
    """What the models of a target folder are made of, one step up the graph.

    Raises:
        AssertionError: there is no model.
    """
    manifest = json.loads((target / "manifest.json").read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert models, target
    known: dict[str, Any] = {
        source["name"]: dict.fromkeys(source["columns"], "string") for source in manifest["sources"].values()
    }
    for node in manifest["nodes"].values():
        if node["resource_type"] in ("model", "seed"):
            names = node["columns"] or node["config"].get("column_types", {})
            known[node["name"]] = dict.fromkeys(names, "string")
    return {
        model["name"]: _traced(compiled_statement(target, model) or "", model["name"], list(model["columns"]), known)
        for model in sorted(models, key=lambda model: model["name"])
    }


def _traced(sql: str, name: str, columns: list[str], known: dict[str, Any]) -> dict[str, list[str]]:
    tree: Any = sqlglot.parse_one(sql, dialect="bigquery")
    for table in tree.find_all(exp.Table):
        # The dataset is another in each place.
        table.set("db", None)
        table.set("catalog", None)
    qualified = qualify(tree, schema=known, dialect="bigquery", validate_qualify_columns=False)
    scope = build_scope(qualified)
    options: dict[str, Any] = {
        "schema": known,
        "dialect": "bigquery",
        "scope": scope,
        "copy": False,
        "trim_selects": False,
    }
    return {column: _sources(lineage(column, qualified, **options), name) for column in columns}


def _sources(node: Node, name: str) -> list[str]:
    found = {
        f"{leaf.source.name}.{leaf.name.rpartition('.')[2].strip('`"')}"
        for leaf in node.walk()
        if not leaf.downstream and isinstance(leaf.source, exp.Table)
    }
    # A model that keeps rows of an earlier build is not made of itself.
    return sorted(source for source in found if not source.startswith(f"{name}."))
