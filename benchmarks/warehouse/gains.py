"""What a patch of the local warehouse gains: from visits with it and without it, as a sentence and as a table.

Belongs here: the arithmetic, and where its results stand in docs and docstrings. Does not belong here: measuring
(visits).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median

from benchmarks.harness.figures import ROOT, keep, kept, measured, shown, table, write_table
from local_stack.bigquery import patches
from local_stack.bigquery.patches.registry import PATCHES

LEAST_PERCENT = 5
"""What a patch has to save of a batch or of a build, or it is deleted."""
_DOCUMENT = ROOT / "docs" / "performance.md"
_SENTENCE = re.compile(r"^Without it .*?\(`make bench-patches`\)\.$", re.MULTILINE | re.DOTALL)
_COLUMNS = ("", "small batch, CPU", "wall", "large batch, CPU", "wall", "dbt build, CPU", "wall")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of the server, and seconds that somebody waited for it."""

    cpu_seconds: float
    wall_seconds: float


@dataclass(frozen=True, slots=True)
class Visit:
    """What a batch of each kind, and a build, cost."""

    small_batch: Cost
    large_batch: Cost
    build: Cost

    def line(self) -> str:
        """One visit, for whoever waits."""
        return "  ".join(
            f"{field.name} {cost.cpu_seconds:.3f} CPU s {cost.wall_seconds:.3f} s"
            for field in fields(self)
            for cost in [getattr(self, field.name)]
        )


@dataclass(frozen=True, slots=True)
class Gain:
    """How much more CPU time, and time, each costs without the patch, in percent."""

    small_batch_cpu: float
    small_batch_wall: float
    large_batch_cpu: float
    large_batch_wall: float
    build_cpu: float
    build_wall: float

    @property
    def is_worth_it(self) -> bool:
        """Whether it saves enough CPU time of a batch or of a build."""
        return max(self.small_batch_cpu, self.large_batch_cpu, self.build_cpu) >= LEAST_PERCENT

    def sentence(self) -> str:
        """What stands in the patch's docstring."""
        return (
            "Without it the server's CPU time is\n"
            f"{self.small_batch_cpu:+.0f} % for a small batch, {self.large_batch_cpu:+.0f} % for a large one, "
            f"{self.build_cpu:+.0f} % for a dbt build\n(`make bench-patches`)."
        )


def cost(visits: Sequence[Visit]) -> Visit:
    """The median visit, each figure by itself."""

    def middle(name: str) -> Cost:
        costs = [getattr(visit, name) for visit in visits]
        return Cost(median(c.cpu_seconds for c in costs), median(c.wall_seconds for c in costs))

    return Visit(*(middle(field.name) for field in fields(Visit)))


def gain(pairs: Sequence[tuple[Visit, Visit]]) -> Gain:
    """How much more the visit without it costs than its neighbour with it: the median pair, each figure by itself."""
    ratios = [[b / a for a, b in zip(_figures(with_), _figures(without), strict=True)] for with_, without in pairs]
    return Gain(*((median(of_pairs) - 1) * 100 for of_pairs in zip(*ratios, strict=True)))


def keep_gains(gains: Mapping[str, Gain], with_all: Visit, with_none: Visit) -> None:
    """Write what was measured into the figures, the document and each patch's docstring."""
    measurements: dict[str, float | int | str] = {
        f"patch_{name}": ",".join(f"{figure:.1f}" for figure in astuple(found)) for name, found in gains.items()
    }
    measurements |= {
        f"patches_{name}": ",".join(f"{f:.4f}" for f in _figures(visit)) for name, visit in _ends(with_all, with_none)
    }
    keep(measurements)
    write_table(_DOCUMENT, "patches", gains_table(kept()))
    for name, found in gains.items():
        module = Path(patches.__path__[0], f"{name}.py")
        module.write_text(with_sentence(module.read_text(), found.sentence()))


def gains_table(figures: Mapping[str, float | int | str]) -> str:
    """A row for each patch that is left, then what all of them come to, as Markdown."""
    rows = []
    for patch in PATCHES:
        values = str(figures[f"patch_{patch.name}"]).split(",")
        rows.append((f"without `{patch.name}`", *(f"{float(value):+.0f} %" for value in values)))
    for name, label in (("all", "with all of them, s"), ("none", "with none, s")):
        rows.append((label, *(shown(float(value)) for value in str(figures[f"patches_{name}"]).split(","))))
    return measured(", other work beside it; medians of neighbours") + table(_COLUMNS, rows)


def with_sentence(source: str, sentence: str) -> str:
    """A module's text with the sentence in its docstring. Raises ValueError where it has no place for one."""
    if not _SENTENCE.search(source):
        raise ValueError(
            "the docstring has no sentence that begins with Without it and ends with (`make bench-patches`)."
        )
    return _SENTENCE.sub(lambda _: sentence, source, count=1)


def _figures(visit: Visit) -> list[float]:
    return [figure for field in fields(visit) for figure in astuple(getattr(visit, field.name))]


def _ends(with_all: Visit, with_none: Visit) -> list[tuple[str, Visit]]:
    return [("all", with_all), ("none", with_none)]
