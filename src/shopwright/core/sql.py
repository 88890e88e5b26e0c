"""Quoting of names and values in SQL text."""

from __future__ import annotations


def quote_name(name: str) -> str:
    """Return a quoted identifier; any text becomes a name and never code.

    Example:
        >>> quote_name('a"b')
        '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def quote_text(value: str) -> str:
    """Return a quoted string literal; any text becomes a value and never code.

    Example:
        >>> quote_text("it's")
        "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def quote_list(values: list[str]) -> str:
    """Return a list of string literals.

    Example:
        >>> quote_list(["a", "b"])
        "['a', 'b']"
    """
    return "[" + ", ".join(quote_text(value) for value in values) + "]"
