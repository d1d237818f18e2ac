"""How dbt's nodes look in Dagster: keys, groups, owners, and that source tests are checks.

Belongs here: the mapping. Does not belong here: running dbt (dbt_models). Models share the key prefix of the
tables they read, so that the graph is one: dbt's source `payment_data` names the same assets that Spark publishes.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from orchestration.names import OWNERS, PREFIX


class PaymentsDbtTranslator(DagsterDbtTranslator):
    """Models and seeds are `payment_data/<name>`; their group is the folder they lie in."""

    def __init__(self) -> None:
        """With dbt's tests of sources as checks of the tables that Spark publishes."""
        super().__init__(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The spec of one node; sources keep the key that their yml gives them."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        props = self.get_resource_props(manifest, unique_id)
        if props["resource_type"] == "source":
            return spec
        return spec.replace_attributes(key=[PREFIX, props["name"]], group_name=group_of(props), owners=OWNERS)


def group_of(props: Mapping[str, Any]) -> str:
    """The folder of a model (`fraud` of models/marts/fraud); `reference` for seeds."""
    if props["resource_type"] == "seed":
        return "reference"
    return str(props["fqn"][-2])
