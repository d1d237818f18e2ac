"""What the command prints: lines, tables, and progress where there is a terminal to show it.

Belongs here: how things look. Does not belong here: what they say. Without a terminal everything is plain lines.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from simulator.simulate import Progress as SimulationProgress

_PLAIN_WIDTH = 140
_GOOD = {"PASS", "HEALTHY", "OK", "up", "passed", "="}
_BAD = {"FAIL", "FAILING", "failed", "DIFFERS"}


@cache
def _console() -> Console:
    console = Console(highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(highlight=False, soft_wrap=True, width=_PLAIN_WIDTH)


def say(line: str = "") -> None:
    """Print one line, as it is."""
    _console().print(line, markup=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; numbers to the right, verdicts in colour."""
    shown = [[_text(cell) for cell in row] for row in rows]
    grid = Table(title=title, title_justify="left", header_style="bold")
    for index, column in enumerate(columns):
        is_number = bool(shown) and all(row[index].replace(",", "").replace(".", "").isdigit() for row in shown)
        grid.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in shown:
        grid.add_row(*(_coloured(cell) for cell in row))
    _console().print(grid)


@contextmanager
def sending_progress() -> Iterator["SimulationProgress"]:
    """A bar while payments are sent; nothing where there is no terminal."""
    columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_console(), disable=not _console().is_terminal, transient=True) as bar:
        task = bar.add_task("sending", total=None)
        yield lambda sent, total: bar.update(task, completed=sent, total=total)


def _text(cell: object) -> str:
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


def _coloured(cell: str) -> str:
    word = cell.partition(" ")[0]
    escaped = cell.replace("[", r"\[")
    if word in _GOOD:
        return f"[green]{escaped}[/green]"
    return f"[bold red]{escaped}[/bold red]" if word in _BAD else escaped
