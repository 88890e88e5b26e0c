"""Markdown as the generated pages use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def format_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table.

    Args:
        header: column titles.
        rows: cells as text, as many in each row as in the header; pipes are escaped.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def format_codes(values: Iterable[str]) -> str:
    """Return values set as code and separated by commas."""
    return ", ".join(f"`{value}`" for value in values)
