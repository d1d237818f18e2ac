import re

import pytest

from spark_jobs.warehouse.job_labels import Work, labels_of, sanitized

TAKEN = re.compile(r"[a-z0-9_-]{0,63}")
"""What BigQuery's documentation allows, less the letters of other alphabets."""


def test_labels_say_what_a_job_is_for_and_of_which_pipeline() -> None:
    assert labels_of(Work.VERIFY, "payments") == {"payments_work": "verify", "payments_pipeline": "payments"}


@pytest.mark.parametrize("text", ["Payments EU", "a.b/c", "Zürich", "x" * 200, ""])
def test_whatever_a_pipeline_is_called_bigquery_takes_the_label(text: str) -> None:
    assert TAKEN.fullmatch(sanitized(text))
