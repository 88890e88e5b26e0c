"""Numbers with the noun that they count."""

from __future__ import annotations


def format_count(count: int, noun: str) -> str:
    """Return a number with its noun, in the singular or plural.

    Example:
        >>> format_count(1, "file"), format_count(2, "file")
        ('1 file', '2 files')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
