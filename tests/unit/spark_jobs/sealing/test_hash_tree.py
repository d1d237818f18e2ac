"""The hash tree's shape."""

import pytest

from spark_jobs.sealing.hash_tree import BUCKET_PAYMENTS, depth_of


@pytest.mark.parametrize(("payments", "depth"), [(0, 0), (64, 0), (65, 1), (1024, 1), (1025, 2), (864_000_000, 6)])
def test_a_bucket_has_few_payments_on_average_however_many_a_day_has(payments: int, depth: int) -> None:
    assert depth_of(payments) == depth
    assert payments <= BUCKET_PAYMENTS * 16**depth
