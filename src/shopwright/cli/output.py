"""What all commands share: options, tables for people, JSON for machines, progress on long work."""

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
    Path, typer.Option("--project", metavar="DIR", help="Folder of the shop.", show_default="this folder")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")]

DEFAULT_PROJECT = Path()


class _StdoutConsole(Console):
    def on_broken_pipe(self) -> None:
        """End, since the reader has gone."""
        _leave()


def stdout_console() -> Console:
    """Where results for people go."""
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    return _StdoutConsole(file=sys.stdout, highlight=False, soft_wrap=True, width=width)


def _leave() -> NoReturn:
    """End without a word: the reader, such as `head`, has gone; nothing is wrong and nobody is left to tell."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def stderr_console() -> Console:
    """Where progress and notes go, so that standard output holds results alone."""
    return Console(file=sys.stderr, highlight=False)


def now() -> datetime:
    """The time, naive UTC; the one place where commands look at the clock."""
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
    """A table; numbers get thousands separators and stand on the right, text is never taken for markup."""
    listed = [list(row) for row in rows]
    made = Table(title=title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for place, name in enumerate(columns):
        numeric = all(isinstance(row[place], int | float | None) for row in listed) and bool(listed)
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        made.add_row(*(show(value) for value in row))
    return made


def show(value: Any) -> str:
    """A value as people read it; what is missing is a dash, never a zero."""
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
    """A bar for the block's work; it leaves nothing behind."""
    console = stderr_console()
    shown = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )
    bar = Bar(shown)
    try:
        yield bar
    finally:
        if bar.is_shown and not shown.disable:  # stopping prints an empty line even where nothing was shown
            shown.stop()
