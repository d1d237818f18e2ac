"""A range of the topic is read by the mappings of the batches that published it."""

from spark_jobs.corrections.batch_mappings import _read_by_spans
from tests.corpus.cases import event_bytes
from tests.unit.spark_jobs.events import MAPPING, OTHER, charge
from tests.unit.spark_jobs.stream import Record, columns


def test_each_record_is_read_by_the_mapping_of_the_batch_that_its_offset_lies_in() -> None:
    records = [
        *(Record(event_bytes(), partition=0, offset=offset) for offset in (0, 1)),
        *(Record(charge("a"), partition=0, offset=offset) for offset in (2, 3)),
        Record(charge("b"), partition=0, offset=4),
        Record(charge("c"), partition=1, offset=2),
    ]
    spans = [
        {"kafka_partition": 0, "start_offset": 2, "end_offset": 4, "mapping": MAPPING.to_json()},
        {"kafka_partition": 0, "start_offset": 4, "end_offset": 9, "mapping": OTHER.to_json()},
        {"kafka_partition": 1, "start_offset": 0, "end_offset": 9, "mapping": MAPPING.to_json()},
    ]
    read = _read_by_spans(columns(records), spans).sort_by(
        [("kafka_partition", "ascending"), ("kafka_offset", "ascending")]
    )
    assert read["kafka_offset"].to_pylist() == [0, 1, 2, 3, 4, 2]
    assert read["reasons"].to_pylist() == [[]] * 6
    assert read["amount_minor"].to_pylist()[2:] == [1250, 1250, 125_000, 1250]
