"""A broken row of a seed turns the seed's own checks red, and skips and falsifies nothing else."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.dbt.conftest import PROJECT, DbtWarehouse
from tests.dbt.sample import deliveries, tables

pytestmark = pytest.mark.integration

Seeds = dict[str, list[str]]
"""The lines of each file, by name."""


def a_rate_is_missing(seeds: Seeds) -> None:
    """Yen have no rate in the days of the sample."""
    lines = seeds["fx_rates"]
    [current] = [line for line in lines if line.startswith("JPY,") and ",," in line]
    lines[lines.index(current)] = ",".join(["JPY", "2026-02-01", *current.split(",")[2:]])


def rows_are_doubled_overlap_and_are_missing(seeds: Seeds) -> None:
    """In every seed, in the days and the currencies of the sample. The reporting currency keeps its own rate."""
    seeds["country_regions"].append("DE,ASIA,,,")
    seeds["currencies"].append("JPY,0,1")
    seeds["currencies"] = [line for line in seeds["currencies"] if not line.startswith("KWD")]
    seeds["currencies"] = ["SEK,2,0" if line.startswith("SEK") else line for line in seeds["currencies"]]
    seeds["fx_rates"] += ["JPY,2025-12-01,,6", "GBP,2000-01-01,,0"]
    seeds["fraud_rule_versions"].append("4,2025-01-01 00:00:00+00,,doubled")
    seeds["fraud_rules"].append(next(line for line in seeds["fraud_rules"] if line.startswith("2,")))
    seeds["sender_report_schedules"].append(seeds["sender_report_schedules"][-1])
    seeds["risk_thresholds"].append("HIGH,5000")
    seeds["health_limits"].append(seeds["health_limits"][-1])


RED: dict[Callable[[Seeds], None], set[str]] = {
    # The two that follow say which payments have no value for want of a rate.
    a_rate_is_missing: {
        "every_day_has_one_fx_rate",
        "assert_every_payment_is_valued",
        "not_null_payment_transactions_fraud_amount_eur",
    },
    rows_are_doubled_overlap_and_are_missing: {
        "every_day_has_one_fx_rate",
        "accepted_range_fx_rates_eur_per_thousand__1000000__1e_09",
        "unique_country_regions_country",
        "unique_currencies_currency",
        "a_minor_unit_is_worth_what_its_decimals_say",
        "every_moment_has_one_rule_version",
        "a_version_has_one_rule_per_signal",
        "unique_sender_report_schedules_sender",
        "unique_sender_report_schedules_source_prefix",
        "unique_risk_thresholds_risk_amount",
        "unique_health_limits_metric",
    },
}


@pytest.mark.parametrize(
    "damage",
    [pytest.param(a_rate_is_missing, marks=pytest.mark.long), rows_are_doubled_overlap_and_are_missing],
    ids=lambda damage: damage.__name__,
)
def test_a_broken_seed_turns_its_own_checks_red_and_skips_nothing(
    warehouse: DbtWarehouse, tmp_path: Path, damage: Callable[[Seeds], None]
) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    files = {path.stem: path for path in (project / "seeds").glob("*.csv")}
    seeds = {name: path.read_text().splitlines() for name, path in files.items()}
    damage(seeds)
    for name, path in files.items():
        path.write_text("\n".join(seeds[name]) + "\n")
    warehouse.fill(tables(deliveries(batches=2)))
    unit_tests = ("--exclude-resource-type", "unit_test")
    done = replace(warehouse, project=project).build("--full-refresh", *unit_tests)
    assert {name for name, status in done.not_green().items() if status == "fail"} == RED[damage], done.output
    assert set(done.not_green().values()) == {"fail"}
    assert {row["status"] for row in warehouse.rows("reconciliation_daily")} == {"PASS"}
    scored = [row["transaction_id"] for row in warehouse.rows("payment_transactions_fraud")]
    payments = [record.transaction_id for record in deliveries(batches=2) if record.disposition == "UNIQUE"]
    assert sorted(scored) == sorted(filter(None, payments))
