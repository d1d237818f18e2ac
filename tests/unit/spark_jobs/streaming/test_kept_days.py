"""The look-back's ids outlive a checkpoint: a new generation knows what the old one did, or says what it does not."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from spark_jobs.contract.payment_event import WATERMARK_MICROSECONDS
from spark_jobs.contract.times import from_microseconds
from spark_jobs.deduplication.buckets import labels_of
from spark_jobs.deduplication.id_keys import KEYS_FORMAT, Keys, in_order, keys_of
from spark_jobs.deduplication.segment_files import BucketSegments
from spark_jobs.deduplication.state import SLOT_MICROSECONDS as SLOT
from spark_jobs.deduplication.state import DedupState
from spark_jobs.streaming import state_seeds
from spark_jobs.streaming.kept_days import KeptDays, forget_kept, read_kept, sweep_kept, write_kept
from spark_jobs.streaming.locations import Locations
from tests.unit.spark_jobs.batches import NOON_US

BUCKETS = 2
LOOKBACK = 3 * 96 * SLOT
STEP = 5 * SLOT
FIRST = (NOON_US // SLOT - 200) * SLOT
type Published = list[tuple[str, int]]


def hash_of(name: str) -> bytes:
    return md5(name.encode(), usedforsecurity=False).digest()


def keys(*names: str) -> Keys:
    return in_order(keys_of(b"".join(map(hash_of, names))))


def hashes(published: Published, since: datetime) -> Iterator[tuple[int, bytes]]:
    """As a store answers."""
    for name, at in published:
        if (from_microseconds(at) or since) >= since:
            yield at // SLOT, hash_of(name)


class Generation:
    """A checkpoint: every bucket's state, and where its files are."""

    def __init__(self, folder: Path, name: str) -> None:
        self.locations = Locations((folder / name).as_uri(), (folder / "staging").as_uri(), (folder / "kept").as_uri())
        self.states = {label: DedupState() for label in labels_of(BUCKETS)}

    def take(self, published: Published) -> None:
        """Batches of one payment each."""
        for name, at in published:
            for label, state in self.states.items():
                store = BucketSegments(self.locations.segments(label), self.locations.day_segments(label))
                mine = (
                    keys(name)
                    if label == labels_of(BUCKETS)[int.from_bytes(hash_of(name)[12:], "little") % 2]
                    else keys()
                )
                times = np.full(len(mine), at)
                self.states[label] = state.advance(mine, times, at, WATERMARK_MICROSECONDS, store, LOOKBACK)

    def kept(self) -> KeptDays:
        """As the driver has it from the tallies."""
        states = list(self.states.values())
        since = max(state.complete_since or 0 for state in states)
        until = min(state.closed_until(WATERMARK_MICROSECONDS) for state in states)
        return KeptDays(KEYS_FORMAT, BUCKETS, since, until, {label: state.days for label, state in self.states.items()})

    @property
    def watermark(self) -> datetime:
        newest = max(state.max_event_time for state in self.states.values())
        return from_microseconds(newest - WATERMARK_MICROSECONDS) or datetime.now(UTC)

    def asked(self, name: str) -> set[int]:
        """Days on which the id may have been published."""
        return {
            day
            for label, state in self.states.items()
            for day in state.days_with(
                keys(name), BucketSegments(self.locations.segments(label), self.locations.day_segments(label))
            )
        }

    def renewed(self, folder: Path, name: str, published: Published) -> "Generation":
        """The next one, from what is kept and what is published."""
        after = Generation(folder, name)
        kept = state_seeds.kept_days(after.locations, BUCKETS, self.watermark)
        since = state_seeds.seeded_since(self.watermark, kept)
        state_seeds.write_seeds(
            hashes(published, since), BUCKETS, self.watermark, after.locations, lookback=LOOKBACK, kept=kept
        )
        after.states = {label: state_seeds.read_seed(after.locations.seed(label)) for label in self.states}
        return after


@pytest.fixture
def published() -> Published:
    return [(f"t-{n}", FIRST + n * STEP) for n in range(40)]


@pytest.mark.parametrize("behind", [0, 1], ids=["of the last batch", "of a batch before"])
def test_a_new_generation_knows_the_ids_of_the_lookback(tmp_path: Path, published: Published, behind: int) -> None:
    old = Generation(tmp_path, "g1")
    old.take(published[: len(published) - behind])
    write_kept(old.locations, old.kept())
    old.take(published[len(published) - behind :])
    new = old.renewed(tmp_path, "g2", published)
    assert {state.complete_since for state in new.states.values()} == {
        state.complete_since for state in old.states.values()
    }
    assert [new.asked(name) for name, _ in published] == [old.asked(name) for name, _ in published]
    assert any(old.asked(name) for name, _ in published)
    later = [(f"u-{n}", FIRST + (40 + n) * STEP) for n in range(4)]
    for generation in (old, new):
        generation.take(later)
    assert [new.asked(name) for name, _ in published + later] == [old.asked(name) for name, _ in published + later]


def test_without_what_was_kept_a_new_generation_is_complete_from_its_watermark_on(
    tmp_path: Path, published: Published
) -> None:
    old = Generation(tmp_path, "g1")
    old.take(published)
    new = old.renewed(tmp_path, "g2", published)
    given = {from_microseconds(state.complete_since) for state in new.states.values()}
    assert given == {old.watermark}


def test_a_list_of_other_buckets_or_with_a_file_gone_or_altered_is_none(tmp_path: Path, published: Published) -> None:
    generation = Generation(tmp_path, "g1")
    generation.take(published)
    write_kept(generation.locations, generation.kept())
    assert read_kept(generation.locations, BUCKETS) == generation.kept()
    assert read_kept(generation.locations, BUCKETS + 1) is None
    listed = tmp_path / "kept" / "days.json"
    named = {name for days in generation.kept().days.values() for day in days for name in day.names}
    first, second, *_ = [path for path in sorted((tmp_path / "kept").rglob("*.days")) if path.name in named]
    content = first.read_bytes()
    first.unlink()
    assert read_kept(generation.locations, BUCKETS) is None
    first.write_bytes(content)
    assert read_kept(generation.locations, BUCKETS) is not None
    second.write_bytes(second.read_bytes()[:-1] + b"x")
    assert read_kept(generation.locations, BUCKETS) is None
    listed.write_bytes(listed.read_bytes()[:-9])
    assert read_kept(generation.locations, BUCKETS) is None


def test_a_list_of_another_format_is_none_and_so_is_one_that_was_forgotten(
    tmp_path: Path, published: Published
) -> None:
    generation = Generation(tmp_path, "g1")
    generation.take(published)
    write_kept(generation.locations, replace(generation.kept(), format=KEYS_FORMAT + 1))
    assert read_kept(generation.locations, BUCKETS) is None
    write_kept(generation.locations, generation.kept())
    forget_kept(generation.locations)
    forget_kept(generation.locations)
    assert read_kept(generation.locations, BUCKETS) is None


def test_a_new_generation_deletes_nothing_that_is_named_however_many_rows_it_is_seeded_from(
    tmp_path: Path, published: Published
) -> None:
    old = Generation(tmp_path, "g1")
    old.take(published)
    write_kept(old.locations, old.kept())
    # More rows than batches for which a segment is kept, and a lookback in which the first day has passed meanwhile.
    old.take([("later", published[-1][1] + 96 * SLOT)])
    rows = [(f"row-{n}", published[-1][1] + 96 * SLOT) for n in range(40)]
    state_seeds.write_seeds(
        hashes(rows, old.watermark),
        BUCKETS,
        old.watermark,
        Generation(tmp_path, "g2").locations,
        lookback=96 * SLOT,
        kept=read_kept(old.locations, BUCKETS),
    )
    assert read_kept(old.locations, BUCKETS) is not None


def test_what_no_list_names_is_swept_once_it_is_old(tmp_path: Path, published: Published) -> None:
    generation = Generation(tmp_path, "g1")
    generation.take(published)
    write_kept(generation.locations, generation.kept())
    left, young = (tmp_path / "kept" / str(labels_of(BUCKETS)[0]) / name for name in ("left.days", "young.days"))
    for path in (left, young):
        path.write_bytes(b"")
    os.utime(left, (0, 0))
    for path in (tmp_path / "kept").rglob("*.days"):
        if path != young:
            os.utime(path, (0, 0))
    sweep_kept(generation.locations, datetime.now(UTC) - timedelta(hours=1))
    assert not left.exists()
    assert young.exists()
    assert read_kept(generation.locations, BUCKETS) == generation.kept()
    (tmp_path / "kept" / "days.json").write_bytes(b"damaged")
    sweep_kept(generation.locations, datetime.now(UTC) + timedelta(hours=1))
    assert young.exists(), "nothing is deleted by a list that cannot be read"
