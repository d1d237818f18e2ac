"""What builds beside many kept days come to: the median of each few builds, the ratio to one kept day, a table.

Belongs here: arithmetic, and how it is shown. Does not belong here: measuring (days).
"""

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.harness.figures import measured, table
from benchmarks.one_machine.builds import Build

COLUMNS = ("days kept", "payments kept", "build s", "ratio", "CPU s", "ratio", "of dbt", "of the warehouse")

type Found = Mapping[int, Sequence[Build]]
"""The builds after one more day's batch, by the days that were kept before the first of them."""


def middle(builds: Sequence[Build]) -> Build:
    """The median of each figure by itself, and of each node."""
    nodes = {name: median(build.nodes.get(name, 0.0) for build in builds) for name in builds[-1].nodes}
    return Build(
        median(build.wall_seconds for build in builds),
        median(build.dbt_cpu_seconds for build in builds),
        median(build.warehouse_cpu_seconds for build in builds),
        nodes,
    )


def builds_table(found: Found, payments: int) -> str:
    """A row for each number of kept days, the fewest first."""
    rows, least = [], middle(found[min(found)])
    for days, builds in sorted(found.items()):
        one = middle(builds)
        rows.append(
            (
                str(days),
                f"{days * payments:,}",
                f"{one.wall_seconds:.1f}",
                f"{one.wall_seconds / least.wall_seconds:.2f}",
                f"{one.cpu_seconds:.1f}",
                f"{one.cpu_seconds / least.cpu_seconds:.2f}",
                f"{one.dbt_cpu_seconds:.1f}",
                f"{one.warehouse_cpu_seconds:.1f}",
            )
        )
    rounds = min(len(builds) for builds in found.values())
    medians = f"medians of {rounds} builds, each a day later" if rounds > 1 else "one build each"
    how = f", {payments:,} payments a day, and one more day's before each build; {medians}; every check was green"
    return measured(how) + table(COLUMNS, rows)


def growth(found: Found, count: int) -> list[tuple[str, float, float]]:
    """Nodes whose time grew most from the fewest kept days to the most: name, seconds then, seconds now."""
    few, many = middle(found[min(found)]).nodes, middle(found[max(found)]).nodes
    grown = sorted(many, key=lambda name: few.get(name, 0.0) - many[name])
    return [(name, few.get(name, 0.0), many[name]) for name in grown[:count]]


def figures(found: Found, payments: int) -> dict[str, float | int | str]:
    """What documents say in a sentence, by name."""
    few, many = middle(found[min(found)]), middle(found[max(found)])
    return {
        "kept_days": max(found),
        "kept_payments_a_day": payments,
        "kept_build_seconds": many.wall_seconds,
        "kept_build_ratio": many.wall_seconds / few.wall_seconds,
        "kept_build_cpu_seconds": many.cpu_seconds,
        "kept_build_cpu_ratio": many.cpu_seconds / few.cpu_seconds,
    }
