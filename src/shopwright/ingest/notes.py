"""Notes: what reading a file changed or gave up of values that were accepted, counted in the ledger."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shopwright.ingest.ledger import LedgerRow

UNSET_TIMES, NOBODY, ROUNDED_IDS = "unset_times", "nobody", "rounded_ids"
ERASED_ROWS = "erased"
"""Rows about people who were erased with ``shopwright forget``; the ledger counts them as ignored."""

_SENTENCES = {
    UNSET_TIMES: "{column} is a moment that is not set",
    NOBODY: "{column} names nobody or nothing",
    ROUNDED_IDS: "{column} is written like 5.1e+12 and was read as 5100000000000, its last digits may be lost",
    ERASED_ROWS: "{column} who was forgotten is named, and nothing was stored,",
}


def describe_notes(rows: Iterable[LedgerRow]) -> list[str]:
    """Return what is noted of files, a sentence for each source, column and kind of note."""
    counts = Counter[tuple[str, str, str]]()
    for row in rows:
        for kind, columns in json.loads(row.notes or "{}").items():
            counts.update({(row.source, kind, column): count for column, count in columns.items()})
    return [
        f"source {source}: {_SENTENCES[kind].format(column=column)} in {count:,} row{'' if count == 1 else 's'}"
        for (source, kind, column), count in counts.items()
    ]
