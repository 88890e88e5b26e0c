"""What a build says of rows that arrived and count no more, since others took their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shopwright.core.engine import Connection

MESSAGES = {
    "replaced_order_lines": "lines of {groups} were replaced by newer statements of the same orders",
    "replaced_payments": "payments of {groups} were replaced by newer statements of the same orders",
}
"""By ``merge_kind`` of ``gold.fct_merged_rows``: the sentence, with the number of groups and of rows."""

NOUNS = {"replaced_order_lines": "order", "replaced_payments": "order"}
"""What a group is."""


def read_merged_rows(connection: Connection) -> tuple[str, ...]:
    """Return one sentence for each kind of rows that were merged, in the order of ``MESSAGES``."""
    counts = {
        kind: (groups, rows)
        for kind, groups, rows in connection.execute(
            "select merge_kind, group_count, row_count from gold.fct_merged_rows where row_count > 0"
        ).fetchall()
    }
    return tuple(
        message.format(groups=_count(counts[kind][0], NOUNS[kind]), rows=_count(counts[kind][1], "row"))
        for kind, message in MESSAGES.items()
        if kind in counts
    )


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"
