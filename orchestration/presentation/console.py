"""What the command prints: lines, tables, and progress where there is a terminal to show it.

Belongs here: how things look. Does not belong here: what they say. Without a terminal everything is plain lines.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from simulator.sending.simulate import Progress as SimulationProgress

_PLAIN_WIDTH = 140
_GOOD = {"PASS", "HEALTHY", "OK", "up", "passed", "="}
_BAD = {"FAIL", "FAILING", "failed", "DIFFERS"}


_kept: list["Console"] = []
"""The terminal as it was, while what others print goes to a log."""


def _console() -> "Console":
    return _kept[-1] if _kept else _open(sys.stdout)


def _open(stream: IO[str]) -> "Console":
    from rich.console import Console

    width = None if stream.isatty() else _PLAIN_WIDTH
    return Console(file=stream, highlight=False, soft_wrap=True, width=width)


@contextmanager
def noise_in(log: Path) -> Iterator[None]:
    """Send to `log` what this process and its children print, the JVM's and dbt's words too; `say` is still heard."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    outputs = [os.dup(1), os.dup(2)]
    with log.open("ab") as file, os.fdopen(os.dup(1), "w", buffering=1) as terminal:
        _kept.append(_open(terminal))
        try:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, output in enumerate(outputs, start=1):
                os.dup2(output, number)
                os.close(output)
            _kept.pop()


def say(line: str = "") -> None:
    """Print one line, as it is."""
    _console().print(line, markup=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; numbers to the right, verdicts in colour."""
    from rich import box
    from rich.table import Table

    shown = [[_text(cell) for cell in row] for row in rows]
    borders = box.HEAVY_HEAD if _console().is_terminal else None
    grid = Table(title=title, title_justify="left", header_style="bold", box=borders, show_edge=borders is not None)
    for index, column in enumerate(columns):
        is_number = bool(shown) and all(row[index].replace(",", "").replace(".", "").isdigit() for row in shown)
        grid.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in shown:
        grid.add_row(*(_coloured(cell) for cell in row))
    _console().print(grid)


@contextmanager
def sending_progress() -> Iterator["SimulationProgress"]:
    """A bar while payments are sent; nothing where there is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

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
