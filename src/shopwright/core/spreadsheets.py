"""Texts that a spreadsheet would run as a formula when it opens a CSV file.

Excel, LibreOffice and Google Sheets take a cell for a formula by its first sign, also where that is full-width, and some skip
blanks, line ends and invisible signs before it.
"""

from __future__ import annotations

import re

_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
"""Signs that begin a formula, with their full-width and small forms and the minus sign of typography."""
_SKIPPED = (
    *((0x00, 0x20), (0x7F, 0xA0), (0xAD, 0xAD), (0x061C, 0x061C), (0x1680, 0x1680), (0x180E, 0x180E)),
    *((0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
    (0xFFF9, 0xFFFB),
)
"""Code points of blanks, controls and invisible signs."""


def _pattern(code_point: str) -> str:
    ranges = "".join(f"{code_point % low}-{code_point % high}" for low, high in _SKIPPED)
    return rf"^(?:[\t\r\n]|[{ranges}]*[{_SIGNS}])"


FORMULA = _pattern(r"\x{%04X}")
"""A text that begins like a formula, in the syntax of RE2, with which Arrow matches."""
_FORMULA = re.compile(_pattern(r"\u%04x"))


def escape_formula(text: str) -> str:
    """Return a text for a cell of a CSV file: one that a spreadsheet would run as a formula gets a leading apostrophe.

    Example:
        >>> escape_formula("=HYPERLINK(1)"), escape_formula(" =1"), escape_formula("a=b")
        ("'=HYPERLINK(1)", "' =1", 'a=b')
    """
    return f"'{text}" if _FORMULA.match(text) else text
