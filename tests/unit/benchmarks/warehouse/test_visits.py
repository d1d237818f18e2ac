"""Each set of patches has its turn once a round, in no fixed order."""

from benchmarks.warehouse.visits import order
from local_stack.bigquery.patches.registry import PATCHES, without

NAMES = [patch.name for patch in PATCHES]


def test_every_round_visits_all_none_and_all_but_each_once() -> None:
    sets = {"all", "none", *map(without, NAMES)}
    visits = list(order(NAMES, rounds=3, seed=1))
    rounds = [visits[at : at + len(sets)] for at in range(0, len(visits), len(sets))]
    assert [set(visited) for visited in rounds] == [sets] * 3
    assert rounds[0] != rounds[1]
