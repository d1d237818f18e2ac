"""How large the home is, and when its disk is nearly full."""

from pathlib import Path

import pytest

from orchestration.platform.disk_usage import GIB, human, sizes, usage_of, warning


def test_each_part_counts_its_files_and_what_they_take_on_disk(tmp_path: Path) -> None:
    for name, size in (("bigquery/data/a.parquet", 4096), ("checkpoints/x/1", 8192), ("staging/y", 4096), ("other", 9)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    hole = tmp_path / "kafka" / "0.index"
    hole.parent.mkdir()
    with hole.open("wb") as file:
        file.truncate(10 * 2**20)
    found = {usage.part: (usage.files, usage.bytes) for usage in usage_of(tmp_path)}
    assert (found["warehouse"][0], found["checkpoints"][0], found["Dagster"]) == (1, 2, (0, 0))
    assert found["warehouse"][1] >= 4096
    assert found["Kafka"][1] < 2**20
    assert sizes(tmp_path).startswith(f"{human(sum(size for _, size in found.values()))}: checkpoints ")


@pytest.mark.parametrize(
    ("free", "total", "warns"),
    [
        (5 * GIB, 1000 * GIB, False),
        (5 * GIB - 1, 1000 * GIB, True),
        (2 * GIB, 20 * GIB, False),
        (2 * GIB - 1, 20 * GIB, True),
    ],
)
def test_a_disk_is_nearly_full_below_5_gib_or_a_tenth_of_a_small_one(free: int, total: int, *, warns: bool) -> None:
    assert (warning(free, total) is not None) is warns


def test_the_warning_is_one_line_that_says_what_to_do() -> None:
    assert warning(GIB, 100 * GIB) == ("only 1.0 GiB free: free some, or run `payments down` before the disk is full")


@pytest.mark.parametrize(("size", "text"), [(0, "0 KiB"), (5 * 2**20, "5 MiB"), (3 * GIB // 2, "1.5 GiB")])
def test_a_size_is_told_in_the_unit_that_fits(size: int, text: str) -> None:
    assert human(size) == text
