"""SQL that reads ids: what names nobody or nothing, ids that a program wrote as floats, and e-mail addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shopwright.contracts.schema import Kind
from shopwright.core.sql import quote_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopwright.contracts import Column

NOBODY = (
    "null",
    "nan",
    "none",
    "nil",
    "undefined",
    "n/a",
    "#n/a",
    "<na>",
    "(null)",
    "\\n",
    "00000000-0000-0000-0000-000000000000",
)
"""What programs write where an id is unknown, in lower case."""

_FLOAT = "-?[0-9]+[.]0+"
"""A whole number as pandas and spreadsheets write it in a column that has gaps."""
_EXPONENT = "[0-9]([.][0-9]+)?[eE][+][0-9]+"
_EMAIL = "[^@\\s]+@[^@\\s]+[.][^@\\s]+"


def read_id(raw: str, column: Column, *, nobody: Sequence[str] = (), namespace: str | None = None) -> str:
    """Return SQL of an id; null where the text names nobody or nothing.

    ``17850.0`` is 17850, and ``5.1e+12`` is 5100000000000. An e-mail address that names a person is in lower case.

    Args:
        raw: SQL of the text.
        column: the column that it becomes.
        nobody: further texts that name no person.
        namespace: what tells the source's numbers of orders from those of others; None where nothing does.
    """
    id_ = _read(raw, column, nobody)
    return f"{quote_text(f'{namespace}:')} || ({id_})" if namespace and column.kind is Kind.ORDER_ID else id_


def _read(raw: str, column: Column, nobody: Sequence[str]) -> str:
    words = _words(column, nobody)
    numbers = [word for word in words if word[0].isdigit()]
    longest = max(len(word.encode()) for word in words if word not in numbers)
    suspicious = [
        # most ids begin with a digit, or are longer than any word
        f"strlen({raw}) <= {longest} and ({raw} < '0' or {raw} >= ':')",
        *(f"{raw} = {quote_text(word)}" for word in numbers),
        f"suffix({raw}, '0') and contains({raw}, '.')",
        f"contains({raw}, '+')",
    ]
    folded = ""
    if column.kind is Kind.PERSON_ID:
        suspicious.append(f"contains({raw}, '@')")
        folded = f"when regexp_full_match({raw}, '{_EMAIL}') then lower({raw}) "
    # cheap comparisons first: the rest is evaluated for the few ids that they do not clear
    return (
        f"case when {' or '.join(suspicious)} then case "
        f"when {_is_one_of(raw, words)} then null "
        f"when regexp_full_match({raw}, '{_FLOAT}') then split_part({raw}, '.', 1) "
        f"when {is_exponent(raw)} then coalesce(try_cast({raw} as decimal(38,0))::varchar, {raw}) "
        f"{folded}else {raw} end else {raw} end"
    )


def is_nobody(raw: str, column: Column, nobody: Sequence[str] = ()) -> str:
    """Return SQL of whether a text of an id column names nobody or nothing."""
    return _is_one_of(raw, _words(column, nobody))


def _is_one_of(raw: str, words: Sequence[str]) -> str:
    shape = "|".join(map(re.escape, words))
    return f"regexp_full_match({raw}, {quote_text(f'(?i:{shape})')})"


def is_exponent(raw: str) -> str:
    """Return SQL of whether an id is written like 5.1e+12, so that digits may have been lost."""
    return f"(contains({raw}, '+') and regexp_full_match({raw}, '{_EXPONENT}'))"


def _words(column: Column, nobody: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*NOBODY, *(nobody if column.kind is Kind.PERSON_ID else ())]))
