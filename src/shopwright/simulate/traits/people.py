"""Who the shoppers of an ordinary export are by the rules, and what that makes of their sessions and purchases.

An anonymous event belongs to the user who is known next in the same visit of the device, else to the one known before in it; in a
visit in which nobody is known, to the user known next on the device, else to the one known last. A device on which nobody is ever
known is a person of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.simulate.arrays import is_first_occurrence
from shopwright.simulate.events import FIRST_ORDER, KIND
from shopwright.simulate.visits import SESSION_GAP
from shopwright.simulate.writers.ids import visitor_ids

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Flags, Ints, Texts
    from shopwright.simulate.shop import Shop
    from shopwright.simulate.traits.clicks import TrackedEvents

PERSONS_FILE = "truth/persons.parquet"
"""One row per device and person: visitor_id, user_id (the person), event_count, stitched_count (of them, without a user)."""
SESSIONS_FILE = "truth/sessions.parquet"
"""One row per session: user_id, session_start_at, session_end_at, event_count, purchase_count, order_count."""
PURCHASES_FILE = "truth/purchases.parquet"
"""One row per purchase without repeats: user_id, order_id, product_id, purchased_at, quantity, unit_price."""
_PURCHASE = KIND["purchase"]


def stitch(at: Ints, visitor: Ints, user: Ints) -> Ints:
    """Return the user that each event belongs to by the rules; -1 where nobody is ever known on the device.

    Args:
        at: moments in milliseconds, (events,).
        visitor: device of each event.
        user: the user that each event states; -1 where it states none.
    """
    order = np.lexsort((at, visitor))
    at, visitor, user = at[order], visitor[order], user[order]
    index = np.arange(len(at))
    starts = np.ones(len(at), dtype=bool)
    starts[1:] = (visitor[1:] != visitor[:-1]) | (at[1:] - at[:-1] > SESSION_GAP)
    visit = np.cumsum(starts)
    before = np.maximum.accumulate(np.where(user >= 0, index, -1))
    after = np.minimum.accumulate(np.where(user >= 0, index, len(at))[::-1])[::-1]
    result = np.full(len(at), -1, dtype=np.int64)
    # The last choice first: each better one overwrites it.
    for group, neighbor in ((visitor, before), (visitor, after), (visit, before), (visit, after)):
        exists = np.flatnonzero((neighbor >= 0) & (neighbor < len(at)))
        same = exists[group[neighbor[exists]] == group[exists]]
        result[same] = user[neighbor[same]]
    persons = np.empty_like(result)
    persons[order] = result
    return persons


def session_numbers(at: Ints, person: Ints) -> Ints:
    """Return the number of each event's session, from 0, by person and start."""
    order = np.lexsort((at, person))
    starts = np.ones(len(at), dtype=bool)
    starts[1:] = (np.diff(person[order]) != 0) | (np.diff(at[order]) > SESSION_GAP)
    numbers = np.empty(len(at), dtype=np.int64)
    numbers[order] = np.cumsum(starts) - 1
    return numbers


@dataclass
class PeopleCounter:
    """All events as the tracker has them, and what is right about them at the end."""

    shop: Shop
    blocks: list[dict[str, Any]] = field(default_factory=list)

    def add(self, events: TrackedEvents) -> None:
        """Remember what matters of a month's events."""
        names = (
            "at",
            "kind",
            "session",
            "user",
            "product",
            "cents",
            "quantity",
            "visitor",
            "is_known",
            "is_repeat",
        )
        self.blocks.append({name: getattr(events, name) for name in names})

    def tables(self) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
        """Return the columns of each file of truth, and the totals."""
        columns = {name: np.concatenate([block[name] for block in self.blocks]) for name in self.blocks[0]}
        self.blocks.clear()
        at, visitor, is_known = columns["at"], columns["visitor"], columns["is_known"]
        user = np.where(is_known, columns["user"], -1).astype(np.int64)
        stitched = stitch(at, visitor, user)
        devices = len(self.shop.users.number)
        person = np.where(stitched >= 0, stitched, devices + visitor)
        is_purchase = (columns["kind"] == _PURCHASE) & ~columns["is_repeat"]
        is_moved = (user < 0) & (stitched >= 0)
        tables = {
            PERSONS_FILE: self._persons(visitor, person, is_moved),
            SESSIONS_FILE: self._sessions(columns, person, is_purchase),
            PURCHASES_FILE: self._purchases(columns, person, is_purchase),
        }
        totals = {
            "events": len(at),
            "persons": len(np.unique(person)),
            "sessions": len(tables[SESSIONS_FILE]["user_id"]),
            "purchases": int(is_purchase.sum()),
            "repeated_purchases": int(columns["is_repeat"].sum()),
            "stitched_visitors": len(np.unique(visitor[is_moved])),
            "stitched_users": len(np.unique(stitched[is_moved])),
            "stitched_events": int(is_moved.sum()),
        }
        return tables, totals

    def _ids(self, person: Ints) -> Texts:
        """Return the id of each person: that of the user, or of the device where nobody is known on it."""
        users = self.shop.users
        ids = np.empty(len(person), dtype=object)
        is_user = person < users.size
        ids[is_user] = [users.id_of(user) for user in person[is_user].tolist()]
        ids[~is_user] = visitor_ids(self.shop.config.seed, person[~is_user] - users.size)
        return ids

    def _persons(self, visitor: Ints, person: Ints, is_moved: Flags) -> dict[str, Any]:
        pairs = np.stack([visitor, person], axis=1)
        rows, position, counts = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
        return {
            "visitor_id": visitor_ids(self.shop.config.seed, rows[:, 0]),
            "user_id": self._ids(rows[:, 1]),
            "event_count": counts,
            "stitched_count": np.bincount(position.ravel(), weights=is_moved, minlength=len(rows)).astype(
                np.int64
            ),
        }

    def _sessions(self, columns: dict[str, Any], person: Ints, is_purchase: Flags) -> dict[str, Any]:
        number, at = session_numbers(columns["at"], person), columns["at"]
        size = int(number.max(initial=-1)) + 1
        start, end = np.full(size, np.iinfo(np.int64).max), np.full(size, -1)
        np.minimum.at(start, number, at)
        np.maximum.at(end, number, at)
        owner = np.zeros(size, dtype=np.int64)
        owner[number] = person
        bought = np.flatnonzero(is_purchase)
        orders = number[bought] * 2**32 + columns["session"][bought]
        return {
            "user_id": self._ids(owner),
            "session_start_at": start,
            "session_end_at": end,
            "event_count": np.bincount(number, minlength=size),
            "purchase_count": np.bincount(number[bought], minlength=size),
            "order_count": np.bincount(number[bought[is_first_occurrence(orders)]], minlength=size),
        }

    def _purchases(self, columns: dict[str, Any], person: Ints, is_purchase: Flags) -> dict[str, Any]:
        rows = np.flatnonzero(is_purchase)
        orders = np.array(
            [f"o{session + FIRST_ORDER}" for session in columns["session"][rows].tolist()], dtype=object
        )
        return {
            "user_id": self._ids(person[rows]),
            "order_id": orders,
            "product_id": self.shop.catalog.number[columns["product"][rows]],
            "purchased_at": columns["at"][rows],
            "quantity": columns["quantity"][rows],
            "cents": columns["cents"][rows],
        }
