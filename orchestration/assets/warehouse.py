"""What dbt builds, as assets; its tests are their checks.

Belongs here: how dbt is called in a run. Does not belong here: how its nodes are named (dbt_translator.py), SQL.
dbt's unit tests hold the project's rules in `make test`; a production build leaves them out.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

from orchestration.dbt_translator import PaymentsDbtTranslator
from orchestration.settings import DBT_PROJECT_DIR, StackSettings
from spark_jobs.settings import SettingError

BUILD_ARGS = ("build", "--exclude-resource-type", "unit_test")
_TARGETS_KEPT = 5


def warehouse_assets(manifest: Path | None = None) -> dg.AssetsDefinition:
    """The dbt project as assets, from its parsed manifest.

    Raises:
        SettingError: the project was never parsed.
    """
    path = manifest or DBT_PROJECT_DIR / "target" / "manifest.json"
    if not path.exists():
        raise SettingError(f"{path} is missing: run `make setup`.")

    @dbt_assets(
        manifest=path,
        project=DbtProject(DBT_PROJECT_DIR) if manifest is None else None,
        dagster_dbt_translator=PaymentsDbtTranslator(),
        name="dbt_models",
        pool="dbt",
    )
    def dbt_models(
        context: dg.AssetExecutionContext,
        dbt: dg.ResourceParam[DbtCliResource],
        settings: dg.ResourceParam[StackSettings],
    ) -> Iterator[Any]:
        targets = settings.home / "dbt"
        invocation = dbt.cli(BUILD_ARGS, context=context, target_path=targets / context.run.run_id)
        yield from invocation.stream()
        _forget_old_targets(targets)

    return dbt_models


def _forget_old_targets(folder: Path) -> None:
    """Every call of dbt leaves a folder of some megabytes: keep the newest few."""
    newest_first = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[_TARGETS_KEPT:]:
        shutil.rmtree(path, ignore_errors=True)
