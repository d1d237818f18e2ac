"""How dbt's nodes look in Dagster: keys, groups, owners, and which asset each test is a check of.

Belongs here: the mapping, and which asset a test is a check of. Does not belong here: running dbt (dbt_models). Models
share the key prefix of the tables they read, whatever their datasets are, so that the graph is one: dbt's sources name
the same assets that Spark publishes.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from orchestration.names import OWNERS, PREFIX

BLOCKS_NOTHING = "int_tests__block_nothing"
"""A model that each data test names besides what it is about, so that a red one skips no model."""


class PaymentsDbtTranslator(DagsterDbtTranslator):
    """Models and seeds are `payment_data/<name>`; their group is the folder they lie in."""

    def __init__(self) -> None:
        """With dbt's tests of sources that no model stands for as checks of the sources."""
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The spec of one node; sources keep the key that their yml gives them."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        props = self.get_resource_props(manifest, unique_id)
        if props["resource_type"] == "source":
            return spec
        return spec.replace_attributes(key=[PREFIX, props["name"]], group_name=group_of(props), owners=OWNERS)


def with_checks_of_assets(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest as Dagster needs it to make a check of every data test.

    Dagster takes a test of a source for a check where it names the source alone, and a test of several models where it
    names the one that its `meta` says. A test of a source is shown on the model that stands for it: a build makes both.
    On the table itself it would be "Not evaluated" after each batch, until the next build.

    Args:
        manifest: what dbt wrote; it is not changed.
    """
    nodes, children = dict(manifest["nodes"]), {name: list(ids) for name, ids in manifest["child_map"].items()}
    by_name = {
        node["name"]: unique_id for unique_id, node in nodes.items() if node["resource_type"] in ("model", "seed")
    }
    stands_for = {
        parents[0]: node["name"]
        for node in nodes.values()
        if node["resource_type"] == "model"
        and len(parents := node["depends_on"]["nodes"]) == 1
        and parents[0].startswith("source.")
    }
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] != "test":
            continue
        named = [each for each in node["depends_on"]["nodes"] if each != by_name.get(BLOCKS_NOTHING)]
        meta = node["config"].get("meta", {})
        if len(named) == 1 and named[0] in stands_for and "dagster" not in meta:
            meta = meta | {"dagster": {"ref": {"name": stands_for[named[0]]}}}
        nodes[unique_id] = node | {
            "config": node["config"] | {"meta": meta},
            "depends_on": node["depends_on"] | {"nodes": named},
        }
        shown_on = by_name.get(meta.get("dagster", {}).get("ref", {}).get("name"))
        if shown_on and unique_id not in children[shown_on]:
            children[shown_on].append(unique_id)
    return {**manifest, "nodes": nodes, "child_map": children}


def group_of(props: Mapping[str, Any]) -> str:
    """The folder of a model (`fraud` of models/marts/fraud); `reference` for seeds."""
    if props["resource_type"] == "seed":
        return "reference"
    return str(props["fqn"][-2])
