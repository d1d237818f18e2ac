"""What dbt builds, as assets; its tests are their checks.

Belongs here: how dbt is called in a run. Does not belong here: how its nodes are named (dbt_translator), SQL.
dbt's unit tests hold the project's rules in `make test`; a production build leaves them out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

from orchestration import names
from orchestration.assets.dbt_translator import PaymentsDbtTranslator
from orchestration.settings import DBT_PROJECT_DIR, StackSettings
from spark_jobs.settings import SettingError

BUILD_ARGS = ("build", "--exclude-resource-type", "unit_test")
NOT_NIGHTLY = ("--exclude", "tag:nightly")
"""Every test names a model that each build has, so dbt would run also those of a model that is left out."""


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
        # One folder for all runs, so that each finds what the last one parsed; the pool lets in one at a time.
        args = BUILD_ARGS if names.RETURNS in context.selected_asset_keys else BUILD_ARGS + NOT_NIGHTLY
        yield from dbt.cli(args, context=context, target_path=settings.dagster_home / "dbt").stream()

    return dbt_models
