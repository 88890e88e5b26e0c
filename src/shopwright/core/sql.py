"""Quoting of names and values that end up in SQL text."""

from __future__ import annotations


def quote_name(name: str) -> str:
    """Quote an identifier, so that any text is a name and never code.

    Example:
        >>> quote_name('a"b')
        '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def quote_text(value: str) -> str:
    """Quote a string literal, so that any text is a value and never code.

    Example:
        >>> quote_text("it's")
        "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


def quote_list(values: list[str]) -> str:
    """A SQL list of string literals.

    Example:
        >>> quote_list(["a", "b"])
        "['a', 'b']"
    """
    return "[" + ", ".join(quote_text(value) for value in values) + "]"
