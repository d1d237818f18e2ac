"""Tables as GitHub's Markdown, for Dagster's metadata and for the docs. Does not belong here: what stands in them."""

from collections.abc import Iterable, Sequence


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """One line for each row, below the columns' names; no line break at the end."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)
