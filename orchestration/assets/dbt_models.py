"""What dbt builds, as assets; its tests are their checks.

Belongs here: how dbt is called in a run. Does not belong here: how its nodes are named (dbt_translator), SQL.
dbt's unit tests hold the project's rules in `make test`; a production build leaves them out.
"""

import json
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

from orchestration import names
from orchestration.assets.dbt_events import with_more_metadata
from orchestration.assets.dbt_translator import PaymentsDbtTranslator, group_of, with_checks_of_assets
from orchestration.lineage.dbt_runs import events_of_build
from orchestration.resources.dbt_cli import forget_an_older_parse
from orchestration.settings import DBT_PROJECT_DIR, StackSettings
from spark_jobs.settings import SettingError

BUILD_ARGS = ("build", "--exclude-resource-type", "unit_test")
NOT_NIGHTLY = ("--exclude", "tag:nightly")
"""Every test names a model that each build has, so dbt would run also those of a model that is left out."""
CHECK_UNSEALED = ("--vars", "check_unsealed: true")
"""Checks look at all days that are not sealed, and not only at what is open."""


def dbt_call(job_name: str, home: Path, selected: Collection[dg.AssetKey]) -> tuple[tuple[str, ...], Path]:
    """What dbt is told by a run of the job, and its folder: one for all runs, so that each finds what the last parsed.

    Every night it is told another variable, with which it would parse all anew: it does so in a folder of its own.
    """
    if job_name == names.RECONCILE_JOB:
        return (*BUILD_ARGS, *CHECK_UNSEALED), home / "dbt-nightly"
    return (BUILD_ARGS if names.RETURNS in selected else (*BUILD_ARGS, *NOT_NIGHTLY)), home / "dbt"


def _send_lineage(target: Path, warn: Callable[[str], None]) -> None:
    """What was built from what, where a lineage service is named."""
    from spark_jobs.lineage.sender import open_sender

    try:
        with open_sender(warn=warn) as lineage:
            if lineage:
                lineage.send(partial(events_of_build, target, lineage.namespace))
    except SettingError as wrong:
        warn(str(wrong))


def warehouse_assets(manifest: Path | None = None) -> dg.AssetsDefinition:
    """The dbt project as assets, from its parsed manifest.

    Raises:
        SettingError: the project was never parsed.
    """
    path = manifest or DBT_PROJECT_DIR / "target" / "manifest.json"
    if not path.exists():
        raise SettingError(f"{path} is missing: run `make setup`.")

    @dbt_assets(
        manifest=with_checks_of_assets(json.loads(path.read_text())),
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
        arguments, target = dbt_call(context.job_name, settings.dagster_home, context.selected_asset_keys)
        # The pool lets in one at a time.
        forget_an_older_parse(target)
        call = dbt.cli(arguments, context=context, target_path=target)
        try:
            yield from with_more_metadata(call.stream(), call.manifest["nodes"], group_of, call.target_path)
        finally:
            _send_lineage(call.target_path, context.log.warning)

    return dbt_models
