"""The records that the archive of classes is made with."""

from spark_jobs.driver.class_archive import RECORD
from spark_jobs.reading.records import KAFKA_COLUMNS


def test_a_made_up_record_has_each_column_that_the_plan_reads_or_there_would_be_no_archive() -> None:
    assert tuple(RECORD) == KAFKA_COLUMNS
