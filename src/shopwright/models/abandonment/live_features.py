"""Features of a running session, by the same SQL as in training.

The warehouse's own view is queried over replaced tables: of all steps and sessions only those of this user remain, the past
ones as built, and the session so far as passed in. This module only states how events become steps, which
the warehouse does in tables. Creating the views takes most of the time, so callers who score often keep them open.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, fields
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.contracts.funnel import EVENT_ORDER
from shopwright.core.errors import DataError
from shopwright.models.abandonment.features import FEATURE_VIEW
from shopwright.models.replay import PUBLISHED, replay
from shopwright.models.training_set import read_training_set

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path

    from numpy.typing import NDArray

NEW_USER = -1
"""Key of a user who is not in the warehouse."""
_ITEM = ("product_id", "product_name", "category", "brand")
_CONTEXT = ("device", "country", "channel", "experiment_group")


def _same(names: tuple[str, ...], table: str) -> str:
    """Return the SQL condition that events equal the rows of a table, where missing equals missing."""
    return " and ".join(f"events.{name} is not distinct from {table}.{name}" for name in names)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a session, with the columns of the events contract that features use."""

    event_at: datetime
    """Time in UTC."""
    event_type: str
    user_id: str
    product_id: str | None = None
    product_name: str | None = None
    category: str | None = None
    brand: str | None = None
    price: Decimal | None = None
    """Price of one unit, in the shop's currency."""
    quantity: int | None = None
    order_id: str | None = None
    source_event_id: str | None = None
    device: str | None = None
    country: str | None = None
    channel: str | None = None
    experiment_group: str | None = None


class SessionFeatures:
    """Features of running sessions, over one published database that stays open. Threads take turns.

    Args:
        published: the published database, for users' pasts. A later one at the same path is not picked up.

    Raises:
        DataError: the shop was built without clickstream events.
    """

    def __init__(self, published: Path) -> None:
        self._lock = Lock()
        self._open = ExitStack()
        # One row of strings, so that the columns have their type before the first session.
        texts = {field.name: np.array([""], dtype=object) for field in fields(Event)}
        session = {
            "user_id": np.array([""], dtype=object),
            "user_key": np.array([0]),
            "start": np.array([0], dtype="M8[us]"),
        }
        self._connection = self._open.enter_context(
            replay(
                published, FEATURE_VIEW.table, _REWRITES, extra_tables={"events": texts, "session": session}
            )
        )
        self._connection.execute("set threads = 1")

    def compute(self, events: Sequence[Event]) -> dict[str, NDArray[Any]]:
        """Compute the features at the last decision of a session so far.

        Args:
            events: all events of one session of one user, in any order.

        Returns:
            Feature to its value, (1,): float64 with NaN where unknown, or strings with None.

        Raises:
            DataError: there is nothing to decide: no event, several users, nothing added to the cart, or a purchase.
        """
        user_id, start = _session(events)
        with self._lock:
            self._insert_session(user_id, start, events)
            decisions = read_training_set(
                self._connection, FEATURE_VIEW, where=f"decided_at >= timestamp '{start}'"
            )
        if not len(decisions):
            raise DataError(
                "nothing was added to the cart in this session yet, so there is nothing to abandon"
            )
        return {name: values[-1:] for name, values in decisions.columns.items()}

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._open.close()

    def _insert_session(self, user_id: str, start: datetime, events: Sequence[Event]) -> None:
        """Replace the previous session."""
        row = self._connection.execute(
            f"select user_key from {PUBLISHED}.silver.int_user_keys where user_id = ?", [user_id]
        ).fetchone()
        key = int(row[0]) if row else NEW_USER
        self._connection.execute("delete from original.main.session")
        self._connection.execute("insert into original.main.session values (?, ?, ?)", [user_id, key, start])
        self._connection.register("columns", _text_columns(events))
        self._connection.execute("delete from original.main.events")
        self._connection.execute("insert into original.main.events select * from columns")
        self._connection.unregister("columns")


def compute_features(published: Path, events: Sequence[Event]) -> dict[str, NDArray[Any]]:
    """Compute the features of a single session, as ``SessionFeatures.compute`` does."""
    with closing(SessionFeatures(published)) as features:
        return features.compute(events)


def _session(events: Sequence[Event]) -> tuple[str, datetime]:
    """Return the user and the start of a session."""
    users = sorted({event.user_id for event in events})
    if len(users) != 1:
        raise DataError(f"a session has one user, but these {len(events)} events have {len(users)}")
    if any(event.event_type == "purchase" for event in events):
        raise DataError("this session already has a purchase, so there is nothing to decide")
    return users[0], min(event.event_at for event in events)


def _text_columns(events: Sequence[Event]) -> dict[str, NDArray[Any]]:
    """Return columns of strings, which the SQL below casts."""
    names = [field.name for field in fields(Event)]
    texts = [
        [None if (value := getattr(event, name)) is None else str(value) for event in events]
        for name in names
    ]
    return {name: np.array(column, dtype=object) for name, column in zip(names, texts, strict=True)}


_EVENTS = f"""
    select
        event_at::timestamp as event_at,
        (list_position({list(EVENT_ORDER)}, event_type::varchar) - 1)::smallint as funnel_rank,
        price::varchar::decimal(18, 4) as price,
        quantity::varchar::integer as quantity,
        {
    ", ".join(
        f"{name}::varchar as {name}"
        for name in ("product_id", "product_name", "brand", "order_id", "source_event_id", "experiment_group")
    )
},
        {
    ", ".join(
        f"nullif(nullif(nullif({name}::varchar, '(all)'), '(none)'), '(unknown)') as {name}"
        for name in ("category", "device", "country", "channel")
    )
}
,
        rowid as arrival
    from original.main.events"""
"""Events as the warehouse's staging models have them."""

_CONTEXTS = f"""
    with stated as (select distinct {", ".join(_CONTEXT)} from ({_EVENTS}))
    select
        16 * row_number() over (order by {", ".join(f"events.{name}" for name in _CONTEXT)})
            + {" + ".join(f"(events.{name} is not null)::bigint * {2**bit}" for bit, name in enumerate(_CONTEXT))}
            as context_key,
        coalesce(contexts.context_hash, 0) as context_hash,
        events.*
    from stated as events
    left join original.silver.int_event_contexts as contexts
        on {_same(_CONTEXT, "contexts")}"""


_KEY, _START = (f"(select {name} from original.main.session)" for name in ("user_key", "start"))
_STEPS = f"""
    with keyed as (
        select
            events.*,
            contexts.context_key,
            contexts.context_hash,
            coalesce(items.event_product_key, -dense_rank() over (
                order by events.product_id, events.product_name, events.category, events.brand
            )) as event_product_key
        from ({_EVENTS}) as events
        inner join warehouse.silver.int_event_contexts as contexts
            on {_same(_CONTEXT, "contexts")}
        left join original.silver.int_event_products as items
            on {_same(_ITEM, "items")}
    ),
    deduplicated as (
        select * from keyed
        qualify source_event_id is null or lag(true) over (
            partition by source_event_id
            order by arrival desc
        ) is null
    )
    select
        {_KEY} as user_key,
        {_START} as session_start_at,
        (row_number() over by_time)::integer as step_number,
        datesub('second', lag(event_at) over by_time, event_at)::integer as seconds_since_previous,
        event_at, funnel_rank, event_product_key, context_key, price, quantity, order_id, source_event_id
    from deduplicated
    window by_time as (
        order by event_at, funnel_rank, source_event_id, event_product_key, price, quantity, order_id, context_hash
    )"""
"""The session so far as int_sessionized_events would have it: versions of one event count once, ties are in its order."""

_FIRST_CONTEXTS = ", ".join(
    f"min(case when context_key & {2**bit} > 0 then step_number::bigint * 4294967296 + context_key end) "
    f"as {name}_context"
    for bit, name in enumerate(("device", "country", "channel", "experiment"))
)
_SESSIONS = f"""
    select
        user_key,
        session_start_at,
        max(event_at) as session_end_at,
        count(case when funnel_rank = 2 then 1 end)::integer as product_view_count,
        count(case when funnel_rank = 3 then 1 end)::integer as add_to_cart_count,
        0 as purchase_count,
        0::decimal(18, 4) as gross_amount,
        {_FIRST_CONTEXTS}
    from warehouse.silver.int_sessionized_events
    where session_start_at = {_START}
    group by user_key, session_start_at"""
"""The session so far as int_sessions would have it, in the columns that features use."""

_PAST = f"user_key = {_KEY} and session_start_at < {_START}"
_REWRITES = {
    "silver.int_user_keys": "select user_key, user_id from original.main.session",
    "silver.int_event_contexts": _CONTEXTS,
    "silver.int_sessionized_events": f"""
        select * from original.silver.int_sessionized_events where {_PAST}
        union all by name
        ({_STEPS})""",
    "silver.int_sessions": f"""
        select * from original.silver.int_sessions where {_PAST}
        union all by name
        ({_SESSIONS})""",
}
"""Replacements of the tables below the features."""
