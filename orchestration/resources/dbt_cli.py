"""The dbt command of this environment, as dagster-dbt's resource, without what our builds do not need.

Belongs here: how dbt is found and started. Does not belong here: what it is asked to do (assets).
"""

import sys
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dagster_dbt import DbtCliResource
from packaging.version import Version, parse

from orchestration.settings import DBT_PROJECT_DIR, StackSettings

PARSED = "partial_parse.msgpack"
"""What dbt keeps of a parse for the next."""


def forget_an_older_parse(target: Path, project_target: Path = DBT_PROJECT_DIR / "target") -> None:
    """Have dbt begin with the project's own parse where that is newer than `target`'s, as after an upgrade.

    dbt parses only what has changed, and can miss a table that a changed macro has come to read.
    """
    kept, parsed = target / PARSED, project_target / PARSED
    if kept.exists() and parsed.exists() and kept.stat().st_mtime < parsed.stat().st_mtime:
        kept.unlink()


class InstalledDbt(DbtCliResource):
    """dagster-dbt starts a dbt just to ask its version, and sets up an adapter for metadata that we do not fetch.

    Together that is as dear as the build of a small project. Both are private to dagster-dbt, whose version is locked;
    a test holds that they are still there to be overridden.
    """

    @classmethod
    def from_settings(cls, settings: StackSettings) -> "InstalledDbt":
        """The executable is named: another dbt on PATH must not take over."""
        return cls(
            project_dir=str(DBT_PROJECT_DIR),
            profiles_dir=str(DBT_PROJECT_DIR),
            # The profile's own default is not repeated: with an explicit target dbt would parse everything anew.
            target=None if settings.dbt_target == "local" else settings.dbt_target,
            dbt_executable=str(Path(sys.executable).with_name("dbt")),
        )

    @cached_property
    def _cli_version(self) -> Version:
        return parse(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:  # noqa: ARG002
        return None
