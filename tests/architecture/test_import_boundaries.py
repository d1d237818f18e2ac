"""Who may import whom. An arrow that is not drawn here is a defect of the design, not of a file."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.sources import (
    PACKAGES,
    ROOT,
    at_import,
    imported_modules,
    is_within,
    module_name,
    name,
    package_files,
    tree,
)

MAY_IMPORT_OF_OURS = {
    "spark_jobs": ("spark_jobs",),
    "simulator": (
        "simulator",
        "spark_jobs.contract.payment_event",
        "spark_jobs.contract.iso_codes",
        "spark_jobs.settings",
        "spark_jobs.source",
    ),
    "local_stack": ("local_stack", "spark_jobs.settings", "spark_jobs.source"),
    "orchestration": PACKAGES,
}

PLAIN = (
    "contract",
    "incidents",
    "kept_days",
    "no_redirects",
    "processor.pace",
    "publishing.batch_report",
    "retention.kept",
    "setting_values",
    "settings",
    "source.connection",
    "source.log.holes",
    "source.last_records",
    "source.log.log_batches",
    "source.tokens",
    "source.offsets",
    "source.open_transactions",
    "source.login",
    "source.refusals",
    "source.topic",
    "tables",
    "utc_days",
    "warehouse.job_labels",
    "warehouse.job_limits",
    "warehouse.loads",
    "warehouse.retries",
    "whole_numbers",
)
"""Packages and modules of the streaming job that cost nothing to import."""

ORCHESTRATION_AT_IMPORT = ("orchestration", "local_stack", "simulator", *(f"spark_jobs.{module}" for module in PLAIN))

SLOW_TO_IMPORT = ("pyspark", "google.cloud", "pandas", "pyarrow", "numpy", "kafka", "duckdb")

IMPORTED_INSIDE_FUNCTIONS = ("orchestration.resources.bigquery",)
"""Modules that subclass something slow; nothing may import them at its own import."""


def ours(modules: set[str]) -> set[str]:
    """Of these modules, those of this project."""
    return {module for module in modules if is_within(module, PACKAGES)}


def everything_imported(path: Path) -> set[str]:
    """What a file imports anywhere, also inside functions and for the type checker."""
    return set(imported_modules(ast.walk(tree(path))))


def imported_at_import(path: Path) -> set[str]:
    """What importing a file imports directly."""
    return set(imported_modules(at_import(tree(path))))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_of_ours_only_what_its_arrows_allow(package: str) -> None:
    allowed = MAY_IMPORT_OF_OURS[package]
    broken = {
        f"{name(path)} imports {module}"
        for path in package_files(package)
        for module in ours(everything_imported(path))
        # `from spark_jobs import tables` reads as spark_jobs.tables.catalog: names are modules here.
        if not is_within(module, allowed)
    }
    assert not broken


@pytest.mark.parametrize("package", PACKAGES)
def test_the_product_imports_neither_its_tests_nor_its_measurements_nor_its_handbook(package: str) -> None:
    broken = {
        f"{name(path)} imports {module}"
        for path in package_files(package)
        for module in everything_imported(path)
        if is_within(module, ("tests", "benchmarks", "handbook"))
    }
    assert not broken


def test_what_all_sinks_share_neither_imports_nor_names_one() -> None:
    sinks = {path.parent.name for path in (ROOT / "spark_jobs" / "sinks").glob("*/__init__.py")}
    theirs = ("spark_jobs.sinks", "spark_jobs.warehouse", "google", "deltalake")
    assert sinks
    for path in (ROOT / "spark_jobs" / "publishing").glob("*.py"):
        assert not {module for module in everything_imported(path) if is_within(module, theirs)}, name(path)
        assert not sinks & set(re.findall("[a-z]+", path.read_text().lower())), name(path)


@pytest.mark.parametrize("package", ["spark_jobs", "simulator", "local_stack"])
def test_nothing_but_orchestration_knows_dagster(package: str) -> None:
    broken = {
        f"{name(path)} imports {module}"
        for path in package_files(package)
        for module in everything_imported(path)
        if module.split(".")[0].startswith("dagster")
    }
    assert not broken


def test_orchestration_loads_only_the_plain_modules_of_the_streaming_job() -> None:
    broken = {
        f"{name(path)} imports {module}"
        for path in package_files("orchestration")
        for module in ours(imported_at_import(path))
        if not is_within(module, ORCHESTRATION_AT_IMPORT)
    }
    assert not broken


@pytest.mark.parametrize("package", ["orchestration", "local_stack"])
def test_what_is_slow_to_import_is_imported_where_it_is_used(package: str) -> None:
    broken = {
        f"{name(path)} imports {module}"
        for path in package_files(package)
        if module_name(path) not in IMPORTED_INSIDE_FUNCTIONS
        for module in imported_at_import(path)
        if is_within(module, SLOW_TO_IMPORT + IMPORTED_INSIDE_FUNCTIONS)
    }
    assert not broken


@pytest.mark.parametrize("module", PLAIN)
def test_a_plain_module_of_the_streaming_job_imports_nothing_slow(module: str) -> None:
    place = ROOT / "spark_jobs" / module.replace(".", "/")
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
    imported = {other for path in files for other in imported_at_import(path)}
    assert not {other for other in imported if is_within(other, SLOW_TO_IMPORT)}
    assert ours(imported) <= {other for other in imported if is_within(other, ORCHESTRATION_AT_IMPORT)}


def test_the_streaming_job_finds_what_lies_beside_its_code_also_in_a_zip_file() -> None:
    makes_the_zip_file = ROOT / "spark_jobs" / "driver" / "shipped_code.py"
    by_path = {path for path in package_files("spark_jobs") if "__file__" in path.read_text(encoding="utf-8")}
    assert by_path == {makes_the_zip_file}, "importlib.resources finds it in both"


def test_every_package_has_files_to_check() -> None:
    assert all(package_files(package) for package in PACKAGES)


def test_an_import_inside_a_function_is_not_one_at_import() -> None:
    module = ast.parse("import a\nif TYPE_CHECKING:\n    import b\ndef f():\n    import c\nclass D:\n    import e\n")
    assert set(imported_modules(at_import(module))) == {"a", "e"}
    assert set(imported_modules(ast.walk(module))) == {"a", "b", "c", "e"}
