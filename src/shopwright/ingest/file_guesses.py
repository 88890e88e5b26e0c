"""What a file seems to be, for messages about one that its source does not fit."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shopwright.core.errors import ConfigurationError, SourceFileError
from shopwright.ingest.adapters import ADAPTERS
from shopwright.settings import SourceSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopwright.ingest.streaming import QuarantinedRow

MAX_NAMES = 8
"""Columns that a message lists."""

_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars", ",": "commas"}


def guess_file(columns: Sequence[str], file_name: str, *, delimiter: str = ",") -> str:
    """Return what a delimited file with these columns seems to be, as the end of a message; empty if nobody knows.

    Example:
        >>> guess_file(["order;when;price"], "orders.csv")
        "; it seems to be separated by semicolons: set delimiter = ';'"
        >>> guess_file(
        ...     [
        ...         "event_time",
        ...         "event_type",
        ...         "product_id",
        ...         "category_id",
        ...         "category_code",
        ...         "brand",
        ...         "price",
        ...         "user_id",
        ...         "user_session",
        ...     ],
        ...     "oct.csv",
        ... )
        "; its columns are those of adapter 'rees46'"
    """
    if len(columns) == 1:
        counts = {name: columns[0].count(name) for name in _DELIMITERS if name != delimiter}
        best = max(counts, key=lambda name: counts[name])
        if counts[best]:
            shown = "\\t" if best == "\t" else best
            return f"; it seems to be separated by {_DELIMITERS[best]}: set delimiter = '{shown}'"
    names = [adapter.name for adapter in ADAPTERS if _fits(adapter.name, columns, file_name)]
    return f"; its columns are those of adapter '{names[0]}'" if names else ""


def _fits(adapter: str, columns: Sequence[str], file_name: str) -> bool:
    """Return whether a file has all the columns that an adapter with columns of its own requires."""
    if adapter in ("mapped", "postgres"):
        return False
    try:
        source = SourceSettings(name="guess", adapter=adapter, path=".")
        mapping = next(item for item in ADAPTERS if item.name == adapter).mapping_for(source, file_name)
    except (ConfigurationError, SourceFileError):
        return False
    present = {mapping.csv.synonyms.get(name, name) for name in columns}
    return bool(mapping.required_columns) and present.issuperset(mapping.required_columns)


def explain_refusal(
    quarantined: Sequence[QuarantinedRow], columns: Sequence[str], unmapped: Sequence[str], file_name: str
) -> str:
    """Return why nothing of a file was accepted: the rule that most rows broke, and what the file seems to be."""
    rules = Counter(rule for row in quarantined for rule in row.rules)
    rule, count = rules.most_common(1)[0]
    guess = guess_file(columns, file_name) if columns else ""
    if not guess and unmapped:
        listed = ", ".join(unmapped[:MAX_NAMES])
        guess = f"; it has columns that nothing reads: {listed}"
    return f"nothing of it was accepted: {count:,} of {len(quarantined):,} rows broke {rule}{guess}"
