"""What is told of a build: each model from what it reads, into its own table."""

import json
from pathlib import Path
from typing import Any

import pytest
from openlineage.client.serde import Serde

from orchestration.lineage.dbt_runs import events_of_build, tables_read
from orchestration.settings import DBT_PROJECT_DIR

SPAN = [
    {"name": "compile", "started_at": "2026-11-29T01:00:00.000000Z", "completed_at": "2026-11-29T01:00:01.000000Z"},
    {"name": "execute", "started_at": "2026-11-29T01:00:01.000000Z", "completed_at": "2026-11-29T01:00:03.000000Z"},
]


def node(name: str, *reads: str, kind: str = "model", materialized: str = "table") -> dict[str, Any]:
    return {
        "unique_id": f"{kind}.payments.{name}",
        "resource_type": kind,
        "relation_name": f"`p`.`d`.`{name}`" if kind != "test" else None,
        "config": {"materialized": materialized},
        "depends_on": {"nodes": list(reads)},
    }


DELIVERIES = "source.payments.payment_data.deliveries"
NODES = [
    node("stg", DELIVERIES, materialized="view"),
    node("int", "model.payments.stg", materialized="ephemeral"),
    node("rates", kind="seed"),
    node("mart", "model.payments.int", "seed.payments.rates", DELIVERIES),
    node("is_whole", "model.payments.mart", kind="test"),
]
MANIFEST: dict[str, Any] = {
    "nodes": {each["unique_id"]: each for each in NODES},
    "sources": {DELIVERIES: {"relation_name": "`p`.`d`.`deliveries`"}},
}


def result(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {"unique_id": name, "status": status, "timing": SPAN, "message": None, "adapter_response": {}} | more


def events_of(folder: Path, *results: dict[str, Any]) -> list[dict[str, Any]]:
    text = json.dumps({"metadata": {"invocation_id": "one"}, "results": results})
    (folder / "run_results.json").write_text(text)
    # As dbt writes it for the project that it has built in.
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    return [json.loads(Serde.to_json(event)) for event in events_of_build(folder, "acme")]


def test_a_model_is_made_of_tables_and_of_what_its_ephemeral_parents_read() -> None:
    assert tables_read(MANIFEST, MANIFEST["nodes"]["model.payments.mart"]) == ["p.d.deliveries", "p.d.rates", "p.d.stg"]


def test_a_build_is_told_model_by_model(tmp_path: Path) -> None:
    rows = {"adapter_response": {"rows_affected": "12"}}
    start, end = events_of(tmp_path, result("model.payments.mart", "success", **rows))
    assert (start["eventType"], start["eventTime"]) == ("START", SPAN[1]["started_at"])
    assert (end["eventType"], end["eventTime"]) == ("COMPLETE", SPAN[1]["completed_at"])
    assert start["run"]["runId"] == end["run"]["runId"]
    assert (end["job"]["namespace"], end["job"]["name"]) == ("acme", "model.payments.mart")
    assert {(each["namespace"], each["name"]) for each in end["inputs"]} == {
        ("bigquery", "p.d.deliveries"),
        ("bigquery", "p.d.rates"),
        ("bigquery", "p.d.stg"),
    }
    [output] = end["outputs"]
    assert output["name"] == "p.d.mart"
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 12


def test_a_model_that_failed_is_told_with_the_first_line_of_why(tmp_path: Path) -> None:
    _, end = events_of(tmp_path, result("model.payments.stg", "error", message="no such column\nselect secret"))
    assert end["eventType"] == "FAIL"
    assert end["run"]["facets"]["errorMessage"]["message"] == "no such column"


def test_tests_and_what_was_skipped_are_no_lineage(tmp_path: Path) -> None:
    skipped = result("model.payments.mart", "skipped") | {"timing": []}
    assert events_of(tmp_path, skipped, result("test.payments.is_whole", "pass")) == []
    (tmp_path / "run_results.json").unlink()
    assert list(events_of_build(tmp_path, "acme")) == []


def test_of_the_project_as_it_is_every_model_but_the_empty_one_reads_something() -> None:
    path = DBT_PROJECT_DIR / "target" / "manifest.json"
    if not path.exists():
        pytest.skip("the project is not parsed: run `make setup`")
    manifest = json.loads(path.read_text())
    models = [each for each in manifest["nodes"].values() if each["resource_type"] == "model"]
    assert len(models) > 20
    assert [each["name"] for each in models if not tables_read(manifest, each)] == ["int_tests__block_nothing"]
