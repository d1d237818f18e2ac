"""What lies at the offsets of a range: records, markers, aborted ones, and offsets that nothing explains."""

from spark_jobs.source.log.log_batches import Counted, Fetched, count
from tests.unit.spark_jobs.kafka_log import PRODUCER, batch, marker


def counted(*batches: bytes, start: int, end: int, aborted: tuple[tuple[int, int], ...] = ()) -> Counted:
    return count([Fetched(b"".join(batches), aborted)], start, end)


def test_plain_records_are_all_there() -> None:
    assert counted(batch(10, 5), batch(15, 5), start=10, end=20) == Counted(records=10)


def test_only_what_lies_in_the_range_counts_of_batches_that_reach_beyond_it() -> None:
    assert counted(batch(8, 5), batch(13, 9), start=10, end=20) == Counted(records=10)


def test_a_committed_transaction_leaves_a_marker() -> None:
    found = counted(batch(0, 3, producer=PRODUCER), marker(3), batch(4, 1), start=0, end=5)
    assert found == Counted(records=4, markers=1)


def test_records_of_an_aborted_transaction_are_told_apart_from_those_of_the_next() -> None:
    batches = (batch(0, 2, producer=PRODUCER), marker(2), batch(3, 2, producer=PRODUCER), marker(5))
    assert counted(*batches, start=0, end=6, aborted=((PRODUCER, 0),)) == Counted(records=2, markers=2, aborted=2)


def test_another_producers_records_amid_an_aborted_transaction_count() -> None:
    batches = (batch(0, 1, producer=PRODUCER), batch(1, 1, producer=8), batch(2, 1), marker(3), marker(4, 8))
    assert counted(*batches, start=0, end=5, aborted=((PRODUCER, 0),)) == Counted(records=2, markers=2, aborted=1)


def test_what_compaction_took_out_of_a_batch_or_between_two_is_missing() -> None:
    assert counted(batch(0, 3, gap=4), batch(10, 1), start=0, end=11) == Counted(records=4, missing=7)
    assert counted(batch(0, 3, gap=4), start=2, end=6) == Counted(records=1, missing=3)


def test_a_batch_that_comes_twice_counts_once() -> None:
    fetches = [Fetched(batch(0, 4), ()), Fetched(batch(0, 4) + batch(4, 2), ())]
    assert count(fetches, 0, 6) == Counted(records=6)
