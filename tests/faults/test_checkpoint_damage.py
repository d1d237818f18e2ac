"""Whatever happens to the checkpoint, it is noticed and rebuilt from the warehouse: what was published stays known."""

from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import pytest

from spark_jobs.tables import catalog
from tests.world import World, event

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

ENOUGH_FOR_A_SEGMENT = 33_000


def flip(path: Path) -> None:
    """One bit, in the middle: as a disk does it, which leaves the checksum beside it alone."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def delete(path: Path) -> None:
    rmtree(path) if path.is_dir() else path.unlink()


def from_another_topic(path: Path) -> None:
    path.write_text(path.read_text().replace("payments-", "other-"))


def from_older_code(path: Path) -> None:
    path.write_text(path.read_text().replace("format ", "format 0."))


def with_other_buckets(path: Path) -> None:
    name = '"spark.sql.shuffle.partitions":'
    path.write_text(path.read_text().replace(f'{name}"1"', f'{name}"2"'))


Damages = list[tuple[str, Callable[[Path], None]]]

DAMAGES: Damages = [
    ("start.json", truncate),
    ("start.json", from_another_topic),
    ("start.json", from_older_code),
    ("spark/metadata", truncate),
    ("spark/offsets/[0-9]*", truncate),
    ("spark/offsets/[0-9]*", from_another_topic),
    ("spark/offsets/[0-9]*", with_other_buckets),
    ("spark/commits/[0-9]*", truncate),
    ("spark/state", delete),
    ("spark/state/0/*/[0-9]*.delta", flip),
    ("spark/state/0/*/[0-9]*.delta", truncate),
]
DAMAGES_OF_LARGE_STATE: Damages = [("segments/0/*.keys", flip), ("segments", delete)]


@pytest.mark.parametrize(
    ("damages", "payments"), [(DAMAGES, 5), (DAMAGES_OF_LARGE_STATE, ENOUGH_FOR_A_SEGMENT)], ids=["small", "large"]
)
def test_a_damaged_checkpoint_is_noticed_and_rebuilt_and_knows_what_was_published(
    world: World, damages: Damages, payments: int
) -> None:
    # One bucket: its state is soon large enough for a segment file of its own.
    world.send([event(f"payment-{n}") for n in range(payments)])
    world.drain(state_buckets=1)
    unnoticed, wrong = [], []
    known = "payment-0"
    for number, (pattern, damage) in enumerate(damages):
        before = world.control()
        folder = world.folder / "checkpoints" / world.settings.pipeline / before.generation
        damage(max(folder.glob(pattern), key=lambda path: (path.stat().st_mtime, path.name)))
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
