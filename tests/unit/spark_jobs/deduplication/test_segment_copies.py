"""Copies of segments: those that nobody has read for longest go, and no more stay than may."""

import os
from pathlib import Path

import pytest

from spark_jobs.deduplication import segment_copies
from spark_jobs.deduplication.segment_copies import SegmentCopies

SIZE = 1000


@pytest.fixture
def copies(tmp_path: Path) -> SegmentCopies:
    segment_copies._come.clear()
    return SegmentCopies(tmp_path / "copies", most_bytes=5 * SIZE)


def make(copies: SegmentCopies, name: str, read_at: int) -> Path:
    """A copy that was last read then."""
    path = copies.folder("bucket/segments/0") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(SIZE))
    os.utime(path, ns=(read_at, read_at))
    copies.came(path)
    return path


def test_copies_take_no_more_than_they_may_and_those_unread_for_longest_go(copies: SegmentCopies) -> None:
    made = [make(copies, f"{number}.keys", number) for number in range(1, 9)]
    assert [path.name for path in made if path.exists()] == ["4.keys", "5.keys", "6.keys", "7.keys", "8.keys"]


def test_a_copy_that_was_read_stays_and_is_not_taken_for_written(copies: SegmentCopies) -> None:
    made = [make(copies, f"{number}.keys", number) for number in range(1, 6)]
    copies.used(made[0])
    assert made[0].stat().st_mtime_ns == 1
    make(copies, "6.keys", 6)
    assert made[0].exists()
    assert not made[1].exists()


def test_copies_are_counted_once_so_much_has_come(copies: SegmentCopies, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Path] = []
    monkeypatch.setattr(SegmentCopies, "_make_room", lambda _self, copy: looked.append(copy))
    share = copies.most_bytes // segment_copies._BEFORE_EACH_LOOK
    copy = copies.root / "copy"
    copy.parent.mkdir()
    copy.write_bytes(bytes(share - 1))
    copies.came(copy)
    assert len(looked) == 1, "what was there before"
    copies.came(copy)
    assert len(looked) == 1
    copies.came(copy)
    assert len(looked) == 2


def test_the_copy_that_has_just_come_stays_however_large_it_is(copies: SegmentCopies) -> None:
    tiny = SegmentCopies(copies.root, most_bytes=1)
    make(tiny, "old.keys", 1)
    newest = make(tiny, "new.keys", 2)
    assert [path.name for path in newest.parent.iterdir()] == ["new.keys"]


def test_one_that_another_process_took_does_no_harm(copies: SegmentCopies) -> None:
    copies.used(copies.root / "gone")
    copies.came(copies.root / "gone")
