"""Values and notes as text for pages."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shopwright.reports import Table, Unit

UNDEFINED = "–"  # noqa: RUF001  # a dash, not a minus: nothing is subtracted
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:])")


def escape_markdown(text: str) -> str:
    """Escape text from data, so that no character of it is read as Markdown.

    Example:
        >>> escape_markdown("*a*") == chr(92) + "*a" + chr(92) + "*"
        True
    """
    return _MARKUP.sub(r"\\\1", text)


def format_value(value: Any, unit: Unit, currency: str = "") -> str:
    """Format a value with its unit; an undefined one is a dash, never a zero.

    Example:
        >>> format_value(0.1234, "share"), format_value(1234567, "money", "EUR"), format_value(150, "seconds")
        ('12.3%', '1,234,567 EUR', '2.5 min')
        >>> format_value(None, "count") == UNDEFINED
        True
    """
    if value is None:
        return UNDEFINED
    if unit in _FORMATTERS:
        return _FORMATTERS[unit](float(value)) + (f" {currency}" if currency and unit == "money" else "")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, int | Decimal):
        return f"{value:,}"
    return str(value)


def _format_amount(value: float) -> str:
    # a large amount must fit a column of metrics, where its cents say nothing
    return f"{value:,.2f}" if abs(value) < 10_000 else f"{value:,.0f}"


def format_duration(seconds: float) -> str:
    """Format a duration in the largest unit of which it is one or more.

    Example:
        >>> format_duration(45), format_duration(5400), format_duration(200000)
        ('45 s', '1.5 h', '2.3 days')
    """
    for size, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} s"


_FORMATTERS: dict[str, Callable[[float], str]] = {
    "share": lambda value: f"{value:.1%}",
    "money": _format_amount,
    "number": lambda value: f"{value:,.2f}",
    "seconds": format_duration,
    "days": lambda value: f"{value:,.1f} days",
}
"""Units of numbers other than counts."""


def format_freshness(table: Table) -> str:
    """Format a table's age, data tests and active filters as one line."""
    freshness, tests = table.freshness, table.data_tests
    warnings = f", {tests.warned:,} with warnings" if tests.warned else ""
    notes = [
        f"Data through {format_value(freshness.data_until, 'time')}"
        if freshness.data_until
        else "No timestamps in the source",
        f"built {format_value(freshness.built_at, 'time')}" if freshness.built_at else "",
        f"scored as of {format_value(freshness.scored_through, 'date')}" if freshness.scored_through else "",
        f"{tests.passed:,} data tests passed{warnings}" if tests.passed or tests.warned else "",
        *(f"{name}: {value}" for name, value in table.filters.active.items()),
    ]
    return " · ".join(note for note in notes if note)


def format_ignored_filters(table: Table, names: Sequence[str]) -> str:
    """Format which of the selected filters do not apply to a table; empty where all do."""
    ignored = [name for name in names if name not in table.filters.active]
    if "first" in ignored or "last" in ignored:
        ignored = ["period", *(name for name in ignored if name not in {"first", "last"})]
    return f"not filtered by {', '.join(ignored)}" if ignored else ""
