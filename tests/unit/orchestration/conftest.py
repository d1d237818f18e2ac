"""A dbt manifest small enough to read: one source, one seed, two models, one test on each."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    # A parser that dagster-dbt depends on warns of itself when it is first imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import dagster_dbt  # noqa: F401

PACKAGE = "payments"
_UNUSED = ("exposures", "metrics", "semantic_models", "saved_queries", "unit_tests", "selectors", "groups", "macros")


@pytest.fixture
def manifest_path(tmp_path: Path) -> Path:
    """The manifest as a file."""
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(small_manifest()))
    return path


def small_manifest() -> dict[str, Any]:
    """As dbt writes it, but only what Dagster reads."""
    source = f"source.{PACKAGE}.payment_data.payment_deliveries"
    staging = f"model.{PACKAGE}.stg_deliveries"
    mart = f"model.{PACKAGE}.reconciliation_daily"
    seed = f"seed.{PACKAGE}.currencies"
    nodes = [
        _node("model", "stg_deliveries", ["staging"], [source]),
        _node("model", "reconciliation_daily", ["marts", "reconciliation"], [staging, seed]),
        _node("seed", "currencies", [], []),
        _test("days_are_unique", mart),
        _test("deliveries_are_unique", source),
    ]
    unique_ids = [node["unique_id"] for node in nodes] + [source]
    return {
        "metadata": {"project_name": PACKAGE, "adapter_type": "bigquery", "dbt_version": "1.11.0"},
        "nodes": {node["unique_id"]: node for node in nodes},
        "sources": {source: _source(source)},
        "parent_map": {
            **{unique_id: [] for unique_id in unique_ids},
            **{node["unique_id"]: node["depends_on"]["nodes"] for node in nodes},
        },
        "child_map": {
            unique_id: [node["unique_id"] for node in nodes if unique_id in node["depends_on"]["nodes"]]
            for unique_id in unique_ids
        },
        **{section: {} for section in _UNUSED},
    }


def _node(kind: str, name: str, folders: list[str], parents: list[str]) -> dict[str, Any]:
    return {
        "resource_type": kind,
        "unique_id": f"{kind}.{PACKAGE}.{name}",
        "name": name,
        "alias": name,
        "package_name": PACKAGE,
        "database": "payments-local",
        "schema": "payment_data",
        "fqn": [PACKAGE, *folders, name],
        "path": f"{name}.sql",
        "original_file_path": f"models/{name}.sql",
        "description": f"About {name}.",
        "columns": {},
        "tags": [],
        "meta": {},
        "config": {"materialized": "seed" if kind == "seed" else "view", "enabled": True, "meta": {}},
        "depends_on": {"nodes": parents, "macros": []},
        "raw_code": "",
    }


def _test(name: str, parent: str) -> dict[str, Any]:
    return {**_node("test", name, [], [parent]), "attached_node": parent}


def _source(unique_id: str) -> dict[str, Any]:
    return {
        **_node("source", "payment_deliveries", [], []),
        "unique_id": unique_id,
        "source_name": "payment_data",
        "identifier": "payment_deliveries",
        "loader": "",
        "source_meta": {},
    }
