"""Which patches a setting chooses, and that none is installed where it does not fit."""

from collections.abc import Mapping

import pytest

from local_stack.bigquery.patches import registry
from local_stack.bigquery.patches.registry import PATCHES, Patch, chosen, named, problem, without

NAMES = [patch.name for patch in PATCHES]


def patch(name: str, replaces: Mapping[str, str]) -> Patch:
    return Patch(name, replaces, lambda: None)


def test_all_none_and_names_choose_in_the_order_of_installing() -> None:
    assert chosen("all") == PATCHES
    assert chosen("none") == ()
    backwards = f"{NAMES[-1]}, {NAMES[0]}"
    assert [patch.name for patch in chosen(backwards)] == [NAMES[0], NAMES[-1]]


@pytest.mark.parametrize("setting", ["", "wings", "all,none", f"{NAMES[0]},"])
def test_a_name_that_is_no_patch_is_one_line_that_names_the_setting_and_those_that_are(setting: str) -> None:
    with pytest.raises(ValueError, match=rf"^PAYMENTS_WAREHOUSE_PATCHES must be .*{NAMES[0]}.*none of them\.$"):
        chosen(setting)


def test_what_was_chosen_can_be_chosen_again_by_its_name() -> None:
    for setting in ("all", "none", NAMES[0], without(NAMES[0])):
        assert named(chosen(setting)) == setting
    assert [patch.name for patch in chosen(without(NAMES[0]))] == NAMES[1:]


def test_without_patches_any_version_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "other_version", lambda: "duckdb is 9, and the patches were written for 1")
    assert problem(()) is None
    assert problem(PATCHES[:1]) == (
        "duckdb is 9, and the patches were written for 1: run `make setup`, or start without patches by "
        "PAYMENTS_WAREHOUSE_PATCHES=none."
    )


def test_a_function_that_has_changed_is_one_line_that_says_how_to_start_without_its_patch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "other_version", lambda: None)
    fits, changed = patch("fits", {}), patch("changed", {"json:dumps": "0"})
    found = problem((fits, changed))
    assert found is not None
    assert found.startswith("The patch changed replaces what has changed: json:dumps is another function by now")
    assert found.endswith("Start without it by PAYMENTS_WAREHOUSE_PATCHES=fits.")
    assert problem((fits,)) is None
