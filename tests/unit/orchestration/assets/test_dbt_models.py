"""How dbt is called: a build's checks look at what is open, the night's at everything."""

from pathlib import Path

from orchestration import names
from orchestration.assets.dbt_models import BUILD_ARGS, NOT_NIGHTLY, dbt_call

HOME = Path("home")


def test_a_build_keeps_its_folder_and_its_variables_so_that_nothing_is_parsed_anew() -> None:
    assert dbt_call(names.BUILD_JOB, HOME, {names.KAFKA_OFFSETS}) == ((*BUILD_ARGS, *NOT_NIGHTLY), HOME / "dbt")


def test_what_is_only_read_at_night_is_not_left_out_where_it_is_asked_for() -> None:
    assert dbt_call("__ASSET_JOB", HOME, {names.RETURNS}) == (BUILD_ARGS, HOME / "dbt")


def test_the_nightly_job_checks_all_unsealed_days_in_a_folder_of_its_own() -> None:
    arguments, folder = dbt_call(names.RECONCILE_JOB, HOME, {names.RETURNS})
    assert arguments == (*BUILD_ARGS, "--vars", "check_unsealed: true")
    assert folder != HOME / "dbt"
