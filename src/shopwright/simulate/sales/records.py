"""What the order side is made of: orders, their lines, payments and reviews, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import Columns

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Ints

NEVER = 2**62
"""A time after all others."""
LINE_KINDS = ("sale", "return", "discount", "fee", "adjustment")
"""Kinds of lines of a plain export, among those of the contract."""
ADDED_LINE_KINDS = ("tip", "gift_card")
"""Kinds that traits add."""
LINE_KIND = {name: code for code, name in enumerate((*LINE_KINDS, *ADDED_LINE_KINDS))}
"""Code of each kind of line."""
STATES = ("created", "approved", "shipped", "delivered", "canceled", "unavailable")
STATE = {name: code for code, name in enumerate(STATES)}
"""Code of each status of an order."""
METHODS = ("card", "bank_slip", "voucher", "debit")
METHOD = {name: code for code, name in enumerate(METHODS)}
"""Code of each method of payment."""


@dataclass(frozen=True)
class Records(Columns):
    """Rows that each become known to the shop at some moment; times are in milliseconds."""

    order: Ints
    """The order: its position in the month while a month is drawn, then its number."""
    at: Ints
    """When the row came into being; exports made before do not have it."""
    fault: Ints
    """What is wrong with the row as exported; 0 where nothing is."""


@dataclass(frozen=True)
class Orders(Records):
    """Orders with all that is ever going to happen to them; ``at`` is when the order was placed."""

    user: Ints
    city: Ints
    """Where it is shipped to, as a position in ``CITIES``."""
    approved: Ints
    shipped: Ints
    delivered: Ints
    """``NEVER`` where it does not come to that, as in the two before."""
    promised: Ints
    ended: Ints
    """When it was canceled or became unavailable; mostly ``NEVER``."""
    ended_as: Ints
    """The status it then has."""
    state: Ints
    """Status as last exported; -1 before."""
    since: Ints
    """When that export was made."""

    def state_before(self, timestamp: int) -> Ints:
        """Return status of each order just before a moment."""
        steps = sum(
            (times < timestamp).astype(np.int8) for times in (self.approved, self.shipped, self.delivered)
        )
        states: Ints = np.where(self.ended < timestamp, self.ended_as, steps)
        return states.astype(np.int8)


@dataclass(frozen=True)
class Lines(Records):
    """Lines of orders."""

    number: Ints
    """Position within the order, from 1."""
    kind: Ints
    product: Ints
    """-1 where the line is about no product."""
    seller: Ints
    """-1 where none is stated."""
    quantity: Ints
    """Units; negative for what came back."""
    cents: Ints
    """Price of one unit."""
    freight: Ints
    """Cents charged for shipping the line."""

    @property
    def goods(self) -> Ints:
        """Cents of each line without freight."""
        return self.quantity * self.cents

    @property
    def due_cents(self) -> Ints:
        """Cents of each line with freight."""
        return self.goods + self.freight


@dataclass(frozen=True)
class Payments(Records):
    """Payments of orders, and refunds, which are negative; ``at`` is when the money moved."""

    sequence: Ints
    method: Ints
    installments: Ints
    cents: Ints


@dataclass(frozen=True)
class Reviews(Records):
    """Reviews of orders; ``at`` is when the last word was said."""

    created: Ints
    answered: Ints
    """-1 where the shop does not answer."""
    score: Ints
    lateness: Ints
    """Position in ``LATENESS``."""


def no_faults(size: int) -> Ints:
    """Return faults of rows that have none."""
    return np.zeros(size, dtype=np.uint8)
