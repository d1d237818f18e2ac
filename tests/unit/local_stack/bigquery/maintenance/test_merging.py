"""What is merged in one piece."""

import pytest

from local_stack.bigquery.maintenance.merging import Crowd

MIB = 2**20


def crowd(files: int, mean_bytes: int) -> Crowd:
    return Crowd("d", "t", 0, 16 * MIB, files, files * mean_bytes)


@pytest.mark.parametrize(("files", "mean_bytes", "merged"), [(40, 4096, 40), (90_000, 4096, 64), (90_000, 8 * MIB, 4)])
def test_a_merged_file_has_a_bounded_number_of_files_and_bytes(files: int, mean_bytes: int, merged: int) -> None:
    target = crowd(files, mean_bytes).target_kib * 1024
    assert merged * mean_bytes < target <= merged * mean_bytes + 1024


def test_the_smallest_of_files_are_merged_too() -> None:
    assert crowd(32, 10).target_kib == 1
