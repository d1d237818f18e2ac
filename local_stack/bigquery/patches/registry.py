"""Which patches there are, and which of them a setting chooses.

Belongs here: their names, order and check at start. Does not belong here: what a patch does (its own module), and what
is mended in local-bigquery (the server). Imports nothing of local-bigquery: both environments read it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from local_stack.bigquery.patches import (
    catalog_lookups,
    job_rows,
    query_results,
    row_counts,
    staging_files,
    statement_jobs,
    temporary_tables,
    translation_cache,
)
from local_stack.bigquery.patches.originals import difference, other_version

SETTING = "PAYMENTS_WAREHOUSE_PATCHES"
EVERY = "all"
NONE = "none"


@dataclass(frozen=True, slots=True)
class Patch:
    """`replaces` has a fingerprint for each function, by its path."""

    name: str
    replaces: Mapping[str, str]
    install: Callable[[], None]


PATCHES = tuple(
    Patch(module.__name__.rpartition(".")[2], module.REPLACES, module.install)
    for module in (
        catalog_lookups,
        temporary_tables,
        statement_jobs,
        job_rows,
        query_results,
        staging_files,
        translation_cache,
        row_counts,
    )
)
"""In the order in which they are installed, whatever the setting's order: a later one may wrap an earlier one's
function, so that a staging table is looked for before DuckLake is asked, and a known translation before either."""


def chosen(setting: str) -> tuple[Patch, ...]:
    """The patches that the setting's value names: all, none, or a comma list of names.

    Raises:
        ValueError: one line that says which name is none.
    """
    if setting in (EVERY, NONE):
        return PATCHES if setting == EVERY else ()
    names = {name.strip() for name in setting.split(",")}
    known = [patch.name for patch in PATCHES]
    if unknown := sorted(names.difference(known)):
        raise ValueError(
            f"{SETTING} must be {EVERY}, {NONE} or a comma list of {', '.join(known)}; {unknown[0]!r} is none of them."
        )
    return tuple(patch for patch in PATCHES if patch.name in names)


def named(patches: Iterable[Patch]) -> str:
    """The setting's shortest value that chooses these."""
    names = [patch.name for patch in patches]
    return EVERY if len(names) == len(PATCHES) else ",".join(names) or NONE


def without(name: str) -> str:
    """The setting's value that chooses all others."""
    return named(patch for patch in PATCHES if patch.name != name)


def problem(patches: tuple[Patch, ...]) -> str | None:
    """Why these must not be installed here, in one line that says how to start all the same; None where they may."""
    if not patches:
        return None
    if found := other_version():
        return f"{found}: run `make setup`, or start without patches by {SETTING}={NONE}."
    for patch in patches:
        if found := difference(patch.replaces):
            rest = named(other for other in patches if other is not patch)
            return f"The patch {patch.name} replaces what has changed: {found}. Start without it by {SETTING}={rest}."
    return None
