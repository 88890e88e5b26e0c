"""What all commands share: options, tables, JSON, and progress bars."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

PROGRESS_AFTER_SECONDS = 2.0
PIPED_WIDTH = 120
"""Columns of a table where no terminal says how wide it is."""

ProjectOption = Annotated[
    Path, typer.Option("--project", metavar="DIR", help="Folder of the shop.", show_default="current folder")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")]

DEFAULT_PROJECT = Path()


class _StdoutConsole(Console):
    def on_broken_pipe(self) -> None:
        """Exit, since the reader is gone."""
        _leave()


def stdout_console() -> Console:
    """Return the console for results."""
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    return _StdoutConsole(file=sys.stdout, highlight=False, soft_wrap=True, width=width)


def _leave() -> NoReturn:
    """Exit silently: the reader, such as `head`, is gone, so nothing is wrong and no one would see a message."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def stderr_console() -> Console:
    """Return the console for progress and notes, so that standard output holds results only."""
    return Console(file=sys.stderr, highlight=False)


def now() -> datetime:
    """Return the time, naive UTC; no command looks at the clock elsewhere."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def print_json(document: Any) -> None:
    """Print one JSON document."""
    try:
        typer.echo(json.dumps(document, default=_plain, indent=2))
    except BrokenPipeError:
        _leave()


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    return str(value)


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Table:
    """Return a table for the terminal.

    Numbers get thousands separators and are right-aligned. Text is never interpreted as markup.
    """
    cells = [list(row) for row in rows]
    grid = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for index, name in enumerate(columns):
        numeric = all(isinstance(row[index], int | float | None) for row in cells) and bool(cells)
        grid.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        grid.add_row(*(show(value) for value in row))
    return grid


def show(value: Any) -> str:
    """Format a value for people; a missing value is a dash, never a zero."""
    if value is None:
        return "–"  # noqa: RUF001  # a dash, not a minus: nothing is subtracted
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return escape(str(value))


class Bar:
    """A progress bar on standard error that appears only when the work takes a while."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._started = monotonic()
        self._task: TaskID | None = None

    @property
    def is_shown(self) -> bool:
        """Whether the work took long enough for the bar to appear."""
        return self._task is not None

    def update(self, text: str, done: float, total: float) -> None:
        """Show how far the work is; ``total`` of 0 means unknown."""
        if self._task is None:
            if monotonic() - self._started < PROGRESS_AFTER_SECONDS:
                return
            self._progress.start()
            self._task = self._progress.add_task("", total=None)
        self._progress.update(self._task, description=escape(text), completed=done, total=total or None)


@contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Bar]:
    """Show a progress bar for the block's work; nothing of it remains on the screen."""
    console = stderr_console()
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )
    bar = Bar(progress)
    try:
        yield bar
    finally:
        if (
            bar.is_shown and not progress.disable
        ):  # stopping prints an empty line even where nothing was shown
            progress.stop()
