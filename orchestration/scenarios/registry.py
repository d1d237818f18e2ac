"""The scenarios by name. Belongs here: the list, and nothing that acts."""

from collections.abc import Callable

from orchestration.scenarios import (
    backfill,
    cdc_deletes,
    duplicates,
    exactly_once,
    hot_partitions,
    out_of_order,
    reconciliation,
    schema_drift,
)
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.transcript import Transcript

Scenario = Callable[[Sandbox, Transcript], None]

SCENARIOS: dict[str, Scenario] = {
    "out-of-order": out_of_order.run,
    "duplicates": duplicates.run,
    "reconciliation": reconciliation.run,
    "exactly-once": exactly_once.run,
    "schema-drift": schema_drift.run,
    "backfill": backfill.run,
    "cdc-deletes": cdc_deletes.run,
    "hot-partitions": hot_partitions.run,
}


def summary_of(scenario: Scenario) -> str:
    """One line: the first of its docstring."""
    return (scenario.__doc__ or "").strip().partition("\n")[0]
