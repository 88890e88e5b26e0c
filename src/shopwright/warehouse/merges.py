"""What a build made one of what was sent as several: versions of events, purchases, people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.core.engine import connect
from shopwright.lake.delta import stored_sql

if TYPE_CHECKING:
    from shopwright.core.engine import Connection
    from shopwright.lake.delta import Lake


def describe_merges(connection: Connection) -> tuple[str, ...]:
    """Return what became one in the built warehouse, a sentence each.

    Args:
        connection: to a warehouse with ``gold.fct_event_merges``.
    """
    row = connection.execute(
        "select stitched_visitor_count, stitched_user_count, stitched_event_count, replaced_event_count, "
        "repeated_purchase_count from gold.fct_event_merges"
    ).fetchone()
    visitors, users, events, replaced, repeated = row or (0,) * 5
    sentences = []
    if events:
        sentences.append(
            f"{_count(visitors, 'visitor')} stitched to {_count(users, 'user')} ({_count(events, 'anonymous event')})"
        )
    if replaced:
        sentences.append(f"{_count(replaced, 'event')} replaced by a later version with the same event id")
    if repeated:
        sentences.append(
            f"{_count(repeated, 'repeated report')} of a purchase (same user, order id, product, price and quantity) "
            "not counted as purchases"
        )
    return tuple(sentences)


def has_visitors(lake: Lake) -> bool:
    """Return whether any event of the lake names a visitor."""
    files = [file.path for file in lake.files("events")]
    with connect() as connection:
        query = f"select 1 from ({stored_sql('events', files)}) where visitor_id is not null limit 1"
        return connection.execute(query).fetchone() is not None


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"
