"""How far event time has come: whatever the order of partitions and batches, what came in order is not late."""

from pathlib import Path
from random import Random

import pytest

from spark_jobs.deduplication.state import NOTHING_SEEN
from spark_jobs.streaming.carried import KEPT_BATCHES, newest_after, read_carried, write_carried
from spark_jobs.streaming.locations import Locations


@pytest.mark.parametrize("seed", range(100))
def test_of_a_backlog_in_order_no_record_lies_before_what_was_carried(seed: int) -> None:
    chance = Random(seed)  # noqa: S311
    partitions = [sorted(chance.choices(range(10**6), k=chance.randint(1, 20))) for _ in range(chance.randint(1, 4))]
    known = {p: len(records) for p, records in enumerate(partitions)}
    at, newest = dict.fromkeys(known, 0), NOTHING_SEEN
    while at != known:
        ends = {p: min(known[p], at[p] + chance.randint(0, 5)) for p in known}
        batch = {p: partitions[p][at[p] : ends[p]] for p in known}
        assert all(time >= newest for records in batch.values() for time in records)
        of_batch = {p: max(records) for p, records in batch.items() if records}
        after = newest_after(newest, of_batch, ends, known)
        assert after >= newest, "it never falls"
        at, newest = ends, after
    assert newest <= max(max(records) for records in partitions)


@pytest.mark.parametrize(
    ("of_batch", "ends", "known", "newest"),
    [
        ({0: 50, 1: 90}, {0: 5, 1: 5}, {0: 5, 1: 5}, 90),
        ({0: 50, 1: 90}, {0: 4, 1: 4}, {0: 5, 1: 5}, 50),
        ({0: 50, 1: 90}, {0: 5, 1: 4}, {0: 5, 1: 5}, 90),
        ({0: 50, 1: 90}, {0: 4, 1: 5}, {0: 5, 1: 5}, 50),
        ({1: 90}, {0: 0, 1: 5}, {0: 0, 1: 5}, 90),
        ({1: 90}, {0: 4, 1: 5}, {0: 5, 1: 5}, 30),
        ({0: NOTHING_SEEN, 1: 90}, {0: 4, 1: 4}, {0: 5, 1: 5}, 30),
        ({0: 10, 1: 90}, {0: 4, 1: 4}, {0: 5, 1: 5}, 30),
        ({}, {0: 5}, {0: 5}, 30),
        ({0: 50}, {0: 9}, {0: 5}, 50),
    ],
    ids=[
        "all are caught up",
        "the least of those behind",
        "one behind that is ahead",
        "one caught up that is ahead",
        "an idle one",
        "one behind of which nothing was read",
        "one behind without a valid payment",
        "never less than before",
        "nothing but holes",
        "more came than was known",
    ],
)
def test_it_moves_with_the_partitions_that_still_have_something_to_read(
    of_batch: dict[int, int], ends: dict[int, int], known: dict[int, int], newest: int
) -> None:
    assert newest_after(30, of_batch, ends, known) == newest


def test_what_is_written_for_a_batch_is_read_back_and_old_files_go(tmp_path: Path) -> None:
    locations = Locations(tmp_path.as_uri(), "file:///staging")
    assert read_carried(locations, 0) is None
    for number in (NOTHING_SEEN, 1_795_262_400_000_000):
        write_carried(locations, 0, number)
        assert read_carried(locations, 0) == number
    write_carried(locations, KEPT_BATCHES, 7)
    assert read_carried(locations, 0) is None
    assert read_carried(locations, KEPT_BATCHES) == 7
