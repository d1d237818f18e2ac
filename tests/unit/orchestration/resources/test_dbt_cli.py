"""What dbt keeps of a parse is that of the project as it is."""

import os
from pathlib import Path

import pytest

from orchestration.resources.dbt_cli import PARSED, forget_an_older_parse


def folder_with_a_parse(folder: Path, at: int) -> Path:
    folder.mkdir()
    (folder / PARSED).touch()
    os.utime(folder / PARSED, (at, at))
    return folder


@pytest.mark.parametrize(("kept_at", "is_kept"), [(99, False), (100, True), (101, True)])
def test_a_parse_of_before_an_upgrade_is_forgotten(tmp_path: Path, kept_at: int, is_kept: bool) -> None:
    target = folder_with_a_parse(tmp_path / "target", kept_at)
    forget_an_older_parse(target, folder_with_a_parse(tmp_path / "project", 100))
    assert (target / PARSED).exists() == is_kept


def test_a_folder_in_which_nothing_was_built_has_nothing_to_forget(tmp_path: Path) -> None:
    forget_an_older_parse(tmp_path, folder_with_a_parse(tmp_path / "project", 100))
    assert not (tmp_path / PARSED).exists()


def test_a_project_that_keeps_no_parse_leaves_the_folders_own(tmp_path: Path) -> None:
    target = folder_with_a_parse(tmp_path / "target", 100)
    forget_an_older_parse(target, tmp_path)
    assert (target / PARSED).exists()
