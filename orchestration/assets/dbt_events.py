"""What dbt's events say beyond what dagster-dbt makes of them: lineage of columns, and a way out of a failed check.

Belongs here: one event in, one out. Does not belong here: running dbt (dbt_models), what is of which page (documents).
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.assets.column_lineage import lineage_of
from orchestration.links.ways_out import way_out
from orchestration.names import PREFIX

type Event = Any
"""An output, the result of a check, or an observation."""

TABLES_GROUP = "streaming"
"""Of what dbt only reads."""


def with_more_metadata(
    events: Iterator[Event],
    nodes: Mapping[str, Mapping[str, Any]],
    group_of: Callable[[Mapping[str, Any]], str],
    target: Path,
) -> Iterator[Event]:
    """The events in order.

    Args:
        events: what dagster-dbt makes of dbt's.
        nodes: of the manifest, by their unique id.
        group_of: the group of the asset that a node is.
        target: dbt's folder, where the compiled statements are.
    """
    groups = {node["name"]: group_of(node) for node in nodes.values() if node["resource_type"] in ("model", "seed")}
    for event in events:
        if isinstance(event, dg.Output):
            yield _with_lineage(event)
        elif isinstance(event, dg.AssetCheckResult) and not event.passed:
            group = groups.get(event.asset_key.path[-1] if event.asset_key else "", TABLES_GROUP)
            yield _with_way_out(event, nodes, group, target)
        else:
            yield event


def _with_lineage(output: dg.Output[Any]) -> dg.Output[Any]:
    lineage = lineage_of(output.output_name.removeprefix(f"{PREFIX}__"))
    if lineage is None:
        return output
    return output.with_metadata({**output.metadata, "dagster/column_lineage": dg.MetadataValue.column_lineage(lineage)})


def _with_way_out(
    result: dg.AssetCheckResult, nodes: Mapping[str, Mapping[str, Any]], group: str, target: Path
) -> dg.AssetCheckResult:
    """With the runbook, and the statement that gives the offending rows. The rows themselves may name accounts."""
    given: dict[str, Any] = {**(result.metadata or {})}
    unique_id = given.get("unique_id")
    node = nodes.get(str(getattr(unique_id, "value", unique_id)))
    metadata = given | way_out(group, compiled_statement(target, node) if node else None)
    return dg.AssetCheckResult(
        passed=result.passed,
        asset_key=result.asset_key,
        check_name=result.check_name,
        severity=result.severity,
        description=result.description,
        metadata=metadata,
    )


def compiled_statement(target: Path, node: Mapping[str, Any]) -> str | None:
    """The compiled text of a test; None where dbt did not come to it."""
    path = target / "compiled" / node["package_name"] / node["original_file_path"]
    if path.suffix == ".yml":
        path /= node["path"]
    return path.read_text().strip() if path.exists() else None
