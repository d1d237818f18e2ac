"""The measured figures of the executive summary, taken from the tables that the harnesses wrote into other pages.

Belongs here: which figures, and where they stand. Does not belong here: measuring (benchmarks). Run as a module, it
writes them into the page; a test holds the page against them.
"""

import re
from pathlib import Path

from benchmarks.harness.figures import kept, shown
from handbook import examples
from handbook.links import ROOT
from orchestration.presentation.markdown import markdown_table

PAGE = ROOT / "docs" / "executive-summary.md"


def figures(docs: Path = ROOT / "docs") -> dict[str, str]:
    """Markdown of the page's examples, by name. Raises KeyError where a harness's table has no such row."""
    rows = [*_kept(), *_kills(docs), *_beside_others(docs)]
    return {"measured": markdown_table(("what", "measured", "how"), rows)}


def _kept() -> list[tuple[str, str, str]]:
    figure = {name: f"<!-- figure: {name} -->{shown(value)}<!-- /figure -->" for name, value in kept().items()}
    return [
        (
            "events a second from Kafka to published",
            f"{figure['drain_events_per_second']}, on {figure['cores']} cores",
            "`make figures`",
        ),
        (
            f"seconds to the warehouse for 95 % of the records, at {figure['latency_events_per_second']} events/s",
            f"{figure['latency_p95_seconds']}; the last {figure['latency_worst_seconds']}",
            "[latency](performance.md#latency)",
        ),
        (
            "seconds of a batch of 100 records, warm",
            figure["small_batch_seconds"],
            "[small batches](performance.md#what-a-small-batch-costs)",
        ),
        (
            f"MB of state for {figure['state_keys']} ids, an hour at 10,000 a second",
            figure["state_megabytes"],
            "[state](performance.md#state)",
        ),
    ]


def _kills(docs: Path) -> list[tuple[str, str, str]]:
    page = docs / "reliability.md"
    chaos = {row[0]: row[1] for row in _rows(examples.shown(page)["chaos"])}
    ids = [("kills of running parts", "kills"), ("records sent meanwhile", "records acknowledged by the broker")]
    ids += [(f"of these {name}", name) for name in ("lost", "doubled", "misclassified")]
    return [(label, chaos[row], "[random kills](reliability.md#random-kills)") for label, row in ids]


def _beside_others(docs: Path) -> list[tuple[str, str, str]]:
    tables = [part for part in examples.shown(docs / "performance.md")["peers"].split("\n\n") if part.startswith("|")]
    header, *contenders = _rows(tables[0])
    rate = header.index("events/s")
    found = [
        (f"the same topic: {row[0]}", f"{row[rate]} events/s", "[beside others](performance.md#beside-others)")
        for row in contenders
        if re.fullmatch(r"[\d,]+", row[rate])
    ]
    if not found:
        raise KeyError("docs/performance.md has no row of a contender")
    return found


def _rows(table: str) -> list[tuple[str, ...]]:
    lines = [line for line in table.splitlines() if line.startswith("|") and not re.fullmatch(r"[|\s:-]+", line)]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]


def main() -> None:
    """Write the figures into the page."""
    examples.write(PAGE, figures())


if __name__ == "__main__":
    main()
