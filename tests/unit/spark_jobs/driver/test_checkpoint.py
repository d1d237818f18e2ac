"""Spark's checkpoint, read from outside: what spans a batch, and when it may be gone on with."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from spark_jobs.driver.checkpoint import FORMAT, Checkpoint, is_damage
from spark_jobs.incidents import CheckpointUnusable
from spark_jobs.publishing.batch import Interval
from spark_jobs.streaming.locations import Locations

TOPIC = "payment-events"


class Folder:
    """A generation's folder, made by hand."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoint = Checkpoint(Locations(path.as_uri(), "file:///staging"), TOPIC, buckets=4)

    def begin(self, start: dict[int, int]) -> "Folder":
        """Begin the generation."""
        self.checkpoint.begin(start)
        return self

    def plan(self, batch_id: int, ends: dict[int, int]) -> "Folder":
        """Write the offset log of a batch."""
        return self.write(f"spark/offsets/{batch_id}", offset_log({TOPIC: {str(p): end for p, end in ends.items()}}))

    def commit(self, batch_id: int) -> "Folder":
        """Write the commit log of a batch."""
        return self.write(f"spark/commits/{batch_id}", 'v1\n{"nextBatchWatermarkMs":0}')

    def write(self, name: str, text: str) -> "Folder":
        """Write any file."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return self


def offset_log(source: object) -> str:
    return f'v1\n{{"batchWatermarkMs":0,"batchTimestampMs":0,"conf":{{}}}}\n{json.dumps(source)}'


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "generation 1")


def test_a_generation_exists_once_it_has_begun(folder: Folder) -> None:
    assert not folder.checkpoint.exists()
    folder.begin({0: 5, 1: 0})
    assert folder.checkpoint.exists()
    assert folder.checkpoint.start() == {0: 5, 1: 0}


def test_the_first_batch_starts_where_the_generation_starts(folder: Folder) -> None:
    folder.begin({0: 5, 1: 7}).plan(0, {0: 9, 1: 7})
    interval = folder.checkpoint.interval(0)
    assert interval == Interval({0: 5, 1: 7}, {0: 9, 1: 7})
    assert interval.lengths() == {0: 4, 1: 0}


def test_a_later_batch_starts_where_the_one_before_ends(folder: Folder) -> None:
    folder.begin({0: 5}).plan(9, {0: 100}).plan(10, {0: 120})
    assert folder.checkpoint.interval(10) == Interval({0: 100}, {0: 120})


def test_a_new_partition_starts_at_its_beginning(folder: Folder) -> None:
    folder.begin({0: 5}).plan(0, {0: 9}).plan(1, {0: 9, 1: 3})
    assert folder.checkpoint.interval(1) == Interval({0: 9, 1: 0}, {0: 9, 1: 3})
    assert folder.checkpoint.interval(1).lengths() == {0: 0, 1: 3}


@pytest.mark.parametrize("published", [{0: 5}, {0: 5, 1: 0}])
def test_a_generation_without_batches_goes_on_from_its_start(folder: Folder, published: dict[int, int]) -> None:
    folder.begin({0: 5}).checkpoint.check(published)


def test_a_committed_batch_goes_on_from_its_end(folder: Folder) -> None:
    folder.begin({0: 5}).plan(0, {0: 9}).commit(0).checkpoint.check({0: 9})


@pytest.mark.parametrize("published", [{0: 9}, {0: 20}])
def test_a_batch_that_was_planned_is_replayed_whether_published_or_not(
    folder: Folder, published: dict[int, int]
) -> None:
    folder.begin({0: 5}).plan(0, {0: 9}).commit(0).plan(1, {0: 20}).checkpoint.check(published)


@pytest.mark.parametrize("published", [{0: 5}, {0: 9}])
def test_the_first_batch_is_replayed_whether_published_or_not(folder: Folder, published: dict[int, int]) -> None:
    folder.begin({0: 5}).plan(0, {0: 9}).checkpoint.check(published)


def test_batches_are_ordered_as_numbers(folder: Folder) -> None:
    folder.begin({0: 0}).plan(9, {0: 9}).commit(9).plan(10, {0: 10}).commit(10).checkpoint.check({0: 10})


def test_temporary_and_checksum_files_are_no_batches(folder: Folder) -> None:
    folder.begin({0: 0}).plan(0, {0: 9}).commit(0)
    folder.write("spark/offsets/.1.crc", "").write("spark/offsets/.2.abc.tmp", "").write("spark/commits/3.tmp", "")
    folder.checkpoint.check({0: 9})


@pytest.mark.parametrize("published", [{}, {0: 4}, {0: 8}, {0: 10}, {0: 9, 1: 1}, {1: 9}])
def test_a_checkpoint_that_stands_elsewhere_is_unusable(folder: Folder, published: dict[int, int]) -> None:
    folder.begin({0: 5}).plan(0, {0: 9}).commit(0)
    with pytest.raises(CheckpointUnusable, match="the warehouse at"):
        folder.checkpoint.check(published)


def test_a_generation_that_starts_elsewhere_is_unusable(folder: Folder) -> None:
    with pytest.raises(CheckpointUnusable):
        folder.begin({0: 5}).checkpoint.check({0: 6})


def test_a_gap_between_planned_and_committed_is_unusable(folder: Folder) -> None:
    folder.begin({0: 5}).plan(0, {0: 9}).commit(0).plan(2, {0: 20})
    with pytest.raises(CheckpointUnusable, match="batch 2 is planned but the newest committed one is 0"):
        folder.checkpoint.check({0: 9})


def test_a_commit_without_its_plan_is_unusable(folder: Folder) -> None:
    folder.begin({0: 5}).plan(0, {0: 9}).commit(0).commit(1)
    with pytest.raises(CheckpointUnusable):
        folder.checkpoint.check({0: 9})


def test_commits_whose_plans_are_all_gone_are_unusable(folder: Folder) -> None:
    folder.begin({0: 5}).commit(0)
    with pytest.raises(CheckpointUnusable):
        folder.checkpoint.check({0: 9})


DAMAGED = {
    "empty": "",
    "cut": "v1\n{}",
    "cut in the offsets": 'v1\n{}\n{"payment-events":{"0":',
    "not JSON": "v1\n{}\n\x00\x01",
    "no offsets": "v1\n{}\n-",
    "null": "v1\n{}\nnull",
    "a number": "v1\n{}\n5",
    "an array": "v1\n{}\n[1]",
    "a string": 'v1\n{}\n"payment-events"',
    "another topic": offset_log({"others": {"0": 9}}),
    "no object of offsets": offset_log({TOPIC: [9]}),
    "a partition that is no number": offset_log({TOPIC: {"x": 9}}),
    "an offset that is text": offset_log({TOPIC: {"0": "9"}}),
    "an offset that is null": offset_log({TOPIC: {"0": None}}),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_offset_log_makes_the_checkpoint_unusable(folder: Folder, text: str) -> None:
    folder.begin({0: 5}).write("spark/offsets/0", text).commit(0)
    with pytest.raises(CheckpointUnusable) as refusal:
        folder.checkpoint.check({0: 9})
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "5", '{"x":1}', '{"0":"a"}', "\x00"])
def test_a_damaged_start_makes_the_checkpoint_unusable(folder: Folder, text: str) -> None:
    folder.begin({0: 5}).write("start.json", text)
    with pytest.raises(CheckpointUnusable):
        folder.checkpoint.check({0: 5})


def test_bytes_that_are_no_text_make_the_checkpoint_unusable(folder: Folder) -> None:
    folder.begin({0: 5}).commit(0)
    (folder.path / "spark" / "offsets").mkdir()
    (folder.path / "spark" / "offsets" / "0").write_bytes(b"v1\n\xff\xfe")
    with pytest.raises(CheckpointUnusable):
        folder.checkpoint.check({0: 9})


def test_a_start_that_was_begun_and_never_written_is_no_checkpoint(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **_options: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("spark_jobs.driver.checkpoint.json.dumps", killed)
    with pytest.raises(KeyboardInterrupt):
        folder.begin({0: 5})
    if folder.checkpoint.exists():
        with pytest.raises(CheckpointUnusable):
            folder.checkpoint.check({0: 5})


@pytest.mark.parametrize(
    ("topic", "buckets", "code_format"), [("other-topic", 4, FORMAT), (TOPIC, 8, FORMAT), (TOPIC, 4, FORMAT + 1)]
)
def test_a_checkpoint_of_another_topic_shape_or_code_version_is_unusable(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, topic: str, buckets: int, code_format: int
) -> None:
    folder.begin({0: 5})
    folder.checkpoint.check({0: 5})
    monkeypatch.setattr("spark_jobs.driver.checkpoint.FORMAT", code_format)
    seen_by_another = Checkpoint(Locations(folder.path.as_uri(), "file:///staging"), topic, buckets)
    with pytest.raises(CheckpointUnusable, match="it was made by format"):
        seen_by_another.check({0: 5})


def test_damage_is_told_from_what_went_wrong_outside() -> None:
    assert is_damage(RuntimeError("[CANNOT_LOAD_STATE_STORE.UNCATEGORIZED] An error occurred during loading state."))
    assert is_damage(
        RuntimeError("Traceback ...\nspark_jobs.deduplication.checksums.Damaged: segment 1.keys cannot be read.")
    )
    assert not is_damage(RuntimeError("Python worker exited unexpectedly (crashed)"))
    assert not is_damage(OSError(28, "No space left on device"))


def test_a_batchs_clock_is_when_spark_planned_it(folder: Folder) -> None:
    planned = offset_log({TOPIC: {"0": 7}}).replace('"batchTimestampMs":0', '"batchTimestampMs":1795262400123')
    folder.begin({0: 5}).write("spark/offsets/0", planned)
    assert folder.checkpoint.clock(0) == datetime(2026, 11, 21, 12, 0, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "v1", "v1\nx\n{}", "v1\n{}\n{}", 'v1\n{"batchTimestampMs":null}\n{}'])
def test_a_batch_whose_clock_cannot_be_read_makes_the_checkpoint_unusable(folder: Folder, text: str) -> None:
    folder.begin({0: 5}).write("spark/offsets/0", text)
    with pytest.raises(CheckpointUnusable, match="offset log 0"):
        folder.checkpoint.clock(0)
