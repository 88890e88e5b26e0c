"""Values and sentences as people read them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from shopwright.reports import Table, Unit

UNDEFINED = "–"  # noqa: RUF001  # a dash, not a minus: nothing is subtracted
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:])")


def plain(text: str) -> str:
    """Text from data, for a place that reads Markdown: no character of it is markup.

    Example:
        >>> plain("*a*") == chr(92) + "*a" + chr(92) + "*"
        True
    """
    return _MARKUP.sub(r"\\\1", text)


def show(value: Any, unit: Unit, currency: str = "") -> str:
    """A value as people read it; what is undefined is a dash, never a zero.

    Example:
        >>> show(0.1234, "share"), show(1234567, "money", "EUR"), show(150, "seconds")
        ('12.3 %', '1,234,567 EUR', '2.5 min')
        >>> show(None, "count") == UNDEFINED
        True
    """
    if value is None:
        return UNDEFINED
    if unit in _SHOWN:
        return _SHOWN[unit](float(value)) + (f" {currency}" if currency and unit == "money" else "")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def _amount(value: float) -> str:
    return f"{value:,.2f}" if abs(value) < 10_000 else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """A duration in the largest unit that it fills.

    Example:
        >>> duration(45), duration(5400), duration(200000)
        ('45 s', '1.5 h', '2.3 days')
    """
    for size, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} s"


_SHOWN: dict[str, Callable[[float], str]] = {
    "share": lambda value: f"{value * 100:.1f} %",
    "money": _amount,
    "number": lambda value: f"{value:,.2f}",
    "seconds": duration,
    "days": lambda value: f"{value:,.1f} days",
}
"""Units of numbers that are not counts."""


def label(name: str) -> str:
    """A column's name as a heading; what its ending says of its unit stands elsewhere.

    Example:
        >>> label("view_to_cart_rate"), label("order_count"), label("median_duration_seconds")
        ('View to cart rate', 'Orders', 'Median duration')
    """
    name = name.removesuffix("_seconds")
    if name.count("_") > 1:
        name = name.removesuffix("_amount")
    if name.endswith("_count"):
        name = f"{name.removesuffix('_count')}s"
    return name.replace("_", " ").capitalize()


def standing(table: Table) -> str:
    """How new a table is, how its data was tested, and what it is narrowed to."""
    until, built, scored = (
        table.freshness.data_until,
        table.freshness.built_at,
        table.freshness.scored_through,
    )
    health = table.health
    tests = f"{health.passed:,} data tests passed" + (f", {health.warned:,} warned" if health.warned else "")
    parts = [
        f"data until {show(until, 'time')}" if until else "its source states no times",
        f"built {show(built, 'time')}" if built else "",
        f"scored on what was known at the end of {show(scored, 'date')}" if scored else "",
        tests if health.passed or health.warned else "",
        *(f"{name}: {value}" for name, value in table.filters.given.items()),
    ]
    return " · ".join(part for part in parts if part)


def not_narrowed(table: Table, given: tuple[str, ...]) -> str:
    """Which of the chosen filters do not apply to a table; empty where all do."""
    names = [name for name in given if name not in table.filters.given]
    if "first" in names or "last" in names:
        names = ["period", *(name for name in names if name not in {"first", "last"})]
    return f"not narrowed by {', '.join(names)}" if names else ""
