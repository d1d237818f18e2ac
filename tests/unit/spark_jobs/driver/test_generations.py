"""Which checkpoint generations are deleted: those that nobody names or writes to any more."""

import os
import time
from pathlib import Path

import pytest

from spark_jobs.driver.generations import sweep_generations
from spark_jobs.settings import JobSettings, read_job_settings

HOUR = 3600.0


@pytest.fixture
def settings(tmp_path: Path) -> JobSettings:
    return read_job_settings({"PAYMENTS_HOME": str(tmp_path), "PAYMENTS_KEEP_GENERATIONS_HOURS": "24"})


def write(home: Path, name: str, *hours_ago: float) -> None:
    """A generation with one file for each age, and a staged file; its folders are as old as its oldest."""
    generation = home / "checkpoints" / "payments" / name
    staged = home / "staging" / "payments" / name / "0-1.parquet"
    for number, _ in enumerate(hours_ago):
        path = generation / "segments" / str(number) / "file"
        path.parent.mkdir(parents=True)
        path.touch()
    staged.parent.mkdir(parents=True)
    staged.touch()
    for path in (*generation.rglob("*"), generation):
        age(path, max(hours_ago))
    for number, hours in enumerate(hours_ago):
        age(generation / "segments" / str(number) / "file", hours)


def age(path: Path, hours: float) -> None:
    at = time.time() - hours * HOUR
    os.utime(path, (at, at))


def left(home: Path) -> tuple[set[str], set[str]]:
    checkpoints, staging = (home / name / "payments" for name in ("checkpoints", "staging"))
    return {path.name for path in checkpoints.iterdir()}, {path.name for path in staging.iterdir()}


def test_an_old_generation_goes_with_what_it_staged_and_the_named_one_stays(
    settings: JobSettings, tmp_path: Path
) -> None:
    write(tmp_path, "named", 100)
    write(tmp_path, "old", 25, 100)
    write(tmp_path, "replaced_today", 23, 100)
    assert sweep_generations(settings, "named") == ["old"]
    assert left(tmp_path) == ({"named", "replaced_today"}, {"named", "replaced_today"})


def test_another_pipeline_keeps_its_own(settings: JobSettings, tmp_path: Path) -> None:
    write(tmp_path, "named", 100)
    (tmp_path / "checkpoints" / "payments").rename(tmp_path / "checkpoints" / "others")
    assert sweep_generations(settings, "elsewhere") == []
    assert (tmp_path / "checkpoints" / "others" / "named").exists()


def test_where_nothing_was_begun_nothing_is_swept(settings: JobSettings) -> None:
    assert sweep_generations(settings, "first") == []
