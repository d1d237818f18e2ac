"""A build of dbt as OpenLineage tells it: each model and seed is a run, from the tables that it reads into its own.

Belongs here: the events, from dbt's manifest and its results. Does not belong here: when they are sent (assets). A view
that is not stored (ephemeral) is no table: its readers read what it reads.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

_BUILT = ("model", "seed", "snapshot")
_ENDS = {"success": "COMPLETE", "error": "FAIL"}
_RUNS = uuid.UUID("0e0e3a3b-2a0f-5d0e-8a39-0c3b8f2f6d42")


def events_of_build(target: Path, namespace: str) -> Iterator["RunEvent"]:
    """Of every node that this build has built, or failed to build. Nothing where dbt came to no result.

    The manifest is the one that dbt wrote beside its results: what an image was built with names another project.
    """
    try:
        results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))
        manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    for result in results["results"]:
        node = manifest["nodes"].get(result["unique_id"])
        span = next((step for step in result["timing"] if step["name"] == "execute"), None)
        if node and span and node["resource_type"] in _BUILT and result["status"] in _ENDS:
            yield from _of_node(manifest, node, result, span, results["metadata"]["invocation_id"], namespace)


def tables_read(manifest: Mapping[str, Any], node: Mapping[str, Any]) -> list[str]:
    """`project.dataset.table` of each table or view that the node reads."""
    found: set[str] = set()
    for parent in (node.get("depends_on") or {}).get("nodes") or ():
        other = manifest["nodes"].get(parent) or manifest["sources"].get(parent)
        if other:
            name = _name(other)
            found |= {name} if name else set(tables_read(manifest, other))
    return sorted(found)


def _name(node: Mapping[str, Any]) -> str:
    is_stored = (node.get("config") or {}).get("materialized") != "ephemeral"
    return (node.get("relation_name") or "").replace("`", "") if is_stored else ""


def _of_node(
    manifest: Mapping[str, Any],
    node: Mapping[str, Any],
    result: Mapping[str, Any],
    span: Mapping[str, str],
    invocation: str,
    namespace: str,
) -> Iterator["RunEvent"]:
    from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import OutputDatasetFacet, RunFacet, error_message_run, job_type_job
    from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

    from spark_jobs.lineage.batch_events import PRODUCER, WAREHOUSE

    ended = RunState[_ENDS[result["status"]]]
    failed: dict[str, RunFacet] = {}
    if ended is RunState.FAIL:
        message = str(result.get("message") or "").partition("\n")[0]
        failed["errorMessage"] = error_message_run.ErrorMessageRunFacet(message, "SQL", producer=PRODUCER)
    written: dict[str, OutputDatasetFacet] = {}
    rows = (result.get("adapter_response") or {}).get("rows_affected")
    if rows is not None:
        written["outputStatistics"] = statistics.OutputStatisticsOutputDatasetFacet(int(rows), producer=PRODUCER)
    kind = job_type_job.JobTypeJobFacet("BATCH", "DBT", node["resource_type"].upper(), producer=PRODUCER)
    run_id = str(uuid.uuid5(_RUNS, f"{invocation}/{node['unique_id']}"))
    name = _name(node)
    inputs = [InputDataset(WAREHOUSE, table) for table in tables_read(manifest, node)]
    for state, moment in ((RunState.START, span["started_at"]), (ended, span["completed_at"])):
        yield RunEvent(
            eventTime=moment,
            eventType=state,
            run=Run(run_id, failed if state is ended else {}),
            job=Job(namespace, node["unique_id"], {"jobType": kind}),
            inputs=inputs,
            outputs=[OutputDataset(WAREHOUSE, name, outputFacets=written if state is ended else {})] if name else [],
            producer=PRODUCER,
        )
