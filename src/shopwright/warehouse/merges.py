"""What a build says of rows that arrived and count no more: versions of events, purchases, people and statements of orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.core.counts import format_count
from shopwright.core.engine import connect
from shopwright.lake.delta import stored_sql

if TYPE_CHECKING:
    from shopwright.core.engine import Connection
    from shopwright.lake.delta import Lake

STATEMENTS = {
    "replaced_order_lines": "lines of {orders} were replaced by newer statements of the same orders",
    "replaced_payments": "payments of {orders} were replaced by newer statements of the same orders",
    "replaced_refunds": "refunds of {orders} were replaced by newer statements of the same orders",
}
"""By ``merge_kind`` of ``gold.fct_merged_rows``: the sentence, with the number of orders."""


def describe_merges(connection: Connection) -> tuple[str, ...]:
    """Return what became one in the built warehouse, a sentence each.

    Args:
        connection: to a warehouse with ``gold.fct_event_merges`` and ``gold.fct_merged_rows``.
    """
    return (*_describe_events(connection), *_describe_statements(connection))


def _describe_events(connection: Connection) -> list[str]:
    row = connection.execute(
        "select stitched_visitor_count, stitched_user_count, stitched_event_count, replaced_event_count, "
        "repeated_purchase_count from gold.fct_event_merges"
    ).fetchone()
    visitors, users, events, replaced, repeated = row or (0,) * 5
    sentences = []
    if events:
        sentences.append(
            f"{format_count(visitors, 'visitor')} stitched to {format_count(users, 'user')} "
            f"({format_count(events, 'anonymous event')})"
        )
    if replaced:
        sentences.append(
            f"{format_count(replaced, 'event')} replaced by a later version with the same event id"
        )
    if repeated:
        sentences.append(
            f"{format_count(repeated, 'repeated report')} of a purchase (same user, order id, product, price and quantity) "
            "not counted as purchases"
        )
    return sentences


def _describe_statements(connection: Connection) -> list[str]:
    counts = dict(
        connection.execute(
            "select merge_kind, group_count from gold.fct_merged_rows where row_count > 0"
        ).fetchall()
    )
    return [
        sentence.format(orders=format_count(counts[kind], "order"))
        for kind, sentence in STATEMENTS.items()
        if kind in counts
    ]


def has_visitors(lake: Lake) -> bool:
    """Return whether any event of the lake names a visitor."""
    files = [file.path for file in lake.files("events")]
    with connect() as connection:
        query = f"select 1 from ({stored_sql('events', files)}) where visitor_id is not null limit 1"
        return connection.execute(query).fetchone() is not None
