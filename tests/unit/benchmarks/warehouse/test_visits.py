"""Each set of patches has a neighbour with all of them once a round, in no fixed order."""

from benchmarks.warehouse.visits import order
from local_stack.bigquery.patches.registry import PATCHES, without

NAMES = [patch.name for patch in PATCHES]


def test_every_round_compares_all_patches_with_none_and_with_all_but_each() -> None:
    sets = {"none", *map(without, NAMES)}
    pairs = list(order(NAMES, rounds=3, seed=1))
    rounds = [[patches for patches, _ in pairs[at : at + len(sets)]] for at in range(0, len(pairs), len(sets))]
    assert [set(visited) for visited in rounds] == [sets] * 3
    assert rounds[0] != rounds[1]
    assert {all_first for _, all_first in pairs} == {True, False}
