"""How far apart batches begin."""

import pytest

from spark_jobs.processor.pace import read_batch_seconds
from spark_jobs.settings import SettingError


@pytest.mark.parametrize(("value", "seconds"), [("", 0), ("0", 0), ("5", 5), ("600", 600)])
def test_it_is_a_whole_number_of_seconds(value: str, seconds: int) -> None:
    assert read_batch_seconds({"PAYMENTS_BATCH_SECONDS": value}) == seconds


@pytest.mark.parametrize("value", ["0.5", "-1", "601", "soon"])
def test_what_is_none_is_refused_by_name(value: str) -> None:
    with pytest.raises(SettingError, match="PAYMENTS_BATCH_SECONDS must be a whole number from 0 to 600"):
        read_batch_seconds({"PAYMENTS_BATCH_SECONDS": value})
