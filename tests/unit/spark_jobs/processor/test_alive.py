"""A probe's answer: by the time of a file."""

import os
from pathlib import Path

from spark_jobs.processor.alive import is_alive, main


def test_who_has_given_no_sign_is_not_alive(tmp_path: Path) -> None:
    assert not is_alive(tmp_path / "alive", 60)
    assert main([str(tmp_path / "alive"), "60"]) == 1


def test_a_sign_lasts_for_so_long(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    file.touch()
    assert main([str(file), "600"]) == 0
    os.utime(file, (1000, 1000))
    assert is_alive(file, 60, now=1060)
    assert not is_alive(file, 60, now=1061)
