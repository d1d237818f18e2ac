"""What an event of dbt says more: lineage where something was built, and a way out where a check failed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration import names
from orchestration.assets.dbt_events import with_more_metadata

TEST = "test.payments.assert_days.1"
MART = dg.AssetKey([names.PREFIX, "payment_metrics"])
NODES: dict[str, dict[str, Any]] = {
    "model.payments.payment_metrics": {"name": "payment_metrics", "resource_type": "model", "group": "metrics"},
    TEST: {
        "name": "assert_days",
        "resource_type": "test",
        "package_name": "payments",
        "original_file_path": "tests/singular/assert_days.sql",
    },
}


def group_of(node: Mapping[str, Any]) -> str:
    return str(node["group"])


def enriched(event: object, target: Path) -> Any:
    [found] = with_more_metadata(iter([event]), NODES, group_of, target)
    return found


def checked(passed: bool) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=passed,
        asset_key=MART,
        check_name="assert_days",
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"unique_id": TEST, "status": "fail"},
    )


def test_a_built_model_says_of_which_columns_each_of_its_columns_is_made(tmp_path: Path) -> None:
    output = dg.Output(None, output_name=MART.to_python_identifier(), metadata={"status": "success"})
    found = enriched(output, tmp_path).metadata
    lineage = found["dagster/column_lineage"].value
    source = dg.TableColumnDep(dg.AssetKey([names.PREFIX, "int_payments__valued"]), "amount")
    assert lineage.deps_by_column["amount_sum"] == [source]
    assert found["status"].value == "success"


def test_a_seed_has_no_lineage(tmp_path: Path) -> None:
    output = dg.Output(None, output_name="payment_data__currencies")
    assert enriched(output, tmp_path) is output


def test_a_failed_check_names_its_runbook_and_the_statement_of_its_rows(tmp_path: Path) -> None:
    statement = tmp_path / "compiled/payments/tests/singular/assert_days.sql"
    statement.parent.mkdir(parents=True)
    statement.write_text("\nselect 1\n")
    found = enriched(checked(passed=False), tmp_path)
    assert found.metadata["runbook"].value.endswith("/docs/runbooks/PaymentsNotCountedOnce.md")
    assert found.metadata["offending_rows"].value == "```sql\nselect 1\n```"
    assert found.metadata["status"].value == "fail"
    assert (found.passed, found.asset_key, found.check_name) == (False, MART, "assert_days")
    assert found.severity is dg.AssetCheckSeverity.WARN


def test_a_failed_check_without_a_compiled_statement_still_names_its_runbook(tmp_path: Path) -> None:
    assert set(enriched(checked(passed=False), tmp_path).metadata) == {"unique_id", "status", "runbook"}


@pytest.mark.parametrize("event", [checked(passed=True), dg.AssetObservation(MART)])
def test_what_needs_no_way_out_is_handed_on_as_it_is(event: object, tmp_path: Path) -> None:
    assert enriched(event, tmp_path) is event
