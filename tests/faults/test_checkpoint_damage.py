"""Whatever happens to the checkpoint, it is noticed and rebuilt from the warehouse: what was published stays known."""

from collections.abc import Callable
from pathlib import PurePosixPath
from shutil import rmtree

import pyarrow.fs as pafs
import pytest

from spark_jobs.driver.generations import locations_of
from spark_jobs.file_systems import delete_folder, place, read_file, write_file
from spark_jobs.tables import catalog
from tests.world import World, event

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

ENOUGH_FOR_A_SEGMENT = 33_000


def flip(content: bytes) -> bytes:
    """One bit, in the middle: as a disk does it, which leaves the checksum beside it alone."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0x10]) + content[middle + 1 :]


def truncate(content: bytes) -> bytes:
    return content[: len(content) // 2]


def from_another_topic(content: bytes) -> bytes:
    return content.replace(b"payments-", b"other-")


def from_older_code(content: bytes) -> bytes:
    return content.replace(b"format ", b"format 0.")


def with_other_buckets(content: bytes) -> bytes:
    name = b'"spark.sql.shuffle.partitions":'
    return content.replace(name + b'"1"', name + b'"2"')


def deleted(_content: bytes) -> None:
    """Nothing is left of it."""


type Damages = list[tuple[str, Callable[[bytes], bytes | None]]]

DAMAGES: Damages = [
    ("start.json", truncate),
    ("start.json", from_another_topic),
    ("start.json", from_older_code),
    ("spark/metadata", truncate),
    ("spark/offsets/[0-9]*", truncate),
    ("spark/offsets/[0-9]*", from_another_topic),
    ("spark/offsets/[0-9]*", with_other_buckets),
    ("spark/commits/[0-9]*", truncate),
    ("spark/state", deleted),
    ("spark/state/0/*/[0-9]*.delta", flip),
    ("spark/state/0/*/[0-9]*.delta", truncate),
]
DAMAGES_OF_LARGE_STATE: Damages = [("segments/0/*.keys", flip), ("segments", deleted)]


def newest(folder: str, pattern: str) -> str:
    """The file of a folder's that was written last, of those whose names fit."""
    filesystem, path = place(folder)
    files = filesystem.get_file_info(pafs.FileSelector(path, recursive=True))
    fits = [
        (file.mtime, name)
        for file in files
        if file.type == pafs.FileType.File
        and PurePosixPath(name := file.path.removeprefix(f"{path}/")).full_match(pattern)
    ]
    return f"{folder}/{max(fits)[1]}"


def do_damage(world: World, generation: str, pattern: str, damage: Callable[[bytes], bytes | None]) -> None:
    """To what the generation keeps. The next run is on a machine that has no copies of it."""
    locations = locations_of(world.settings, generation)
    if damage is deleted:
        delete_folder(f"{locations.checkpoint}/{pattern}")
    else:
        uri = newest(locations.checkpoint, pattern)
        before = read_file(uri)
        assert before
        after = damage(before)
        assert after is not None
        assert after != before
        write_file(uri, after)
    _, segments = place(locations.segments(0))
    rmtree(locations.copies.folder(segments), ignore_errors=True)


@pytest.mark.parametrize(
    ("damages", "payments"), [(DAMAGES, 5), (DAMAGES_OF_LARGE_STATE, ENOUGH_FOR_A_SEGMENT)], ids=["small", "large"]
)
def test_a_damaged_checkpoint_is_noticed_and_rebuilt_and_knows_what_was_published(
    stored_world: World, damages: Damages, payments: int
) -> None:
    world = stored_world
    # One bucket: its state is soon large enough for a segment file of its own.
    world.send([event(f"payment-{n}") for n in range(payments)])
    world.drain(state_buckets=1)
    unnoticed, wrong = [], []
    known = "payment-0"
    for number, (pattern, damage) in enumerate(damages):
        before = world.control()
        do_damage(world, before.generation, pattern, damage)
        new = f"new-{number}"
        places = world.send([event(known), event("payment-0"), event(new)])
        world.drain(state_buckets=1)
        found = world.dispositions()
        if [found[place] for place in places] != ["DUPLICATE", "DUPLICATE", "UNIQUE"]:
            wrong.append((pattern, damage.__name__))
        if world.control().generation == before.generation:
            unnoticed.append((pattern, damage.__name__))
        known = new
    assert (wrong, unnoticed) == ([], [])
    assert [row["kind"] for row in world.rows(catalog.INCIDENTS)] == ["CHECKPOINT_UNUSABLE"] * len(damages)
    assert list(world.dispositions().values()).count("UNIQUE") == payments + len(damages)
