"""Events after an order: cancellations, returns, adjustments for late delivery, and reviews.

Each of the first three adds lines to the order that reduce the amount due; the refund is their sum.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import concat, is_first_occurrence, sum_by
from shopwright.simulate.sales.baskets import number_lines
from shopwright.simulate.sales.records import LINE_KIND, NEVER, Lines, Reviews, no_faults
from shopwright.simulate.seasonality import DAY, HOUR

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Flags, Floats, Ints
    from shopwright.simulate.sales.records import Orders

LATE_RETURN_FACTOR = 2.0
"""How much likelier something comes back from a late order."""
LINE_RETURN_SHARE = 0.6
"""Share of an order's lines that come back when anything does; one at least."""
RETURN_DAYS = (2, 14)
"""Fewest and most days from delivery to the return."""
ADJUSTMENT_SHARE, ADJUSTMENT_PERCENT = 0.15, (5, 15)
"""Share of late orders for which part of the goods' price is given back, and how much of it."""

LATENESS = ("on time", "up to 3 days late", "more than 3 days late")
"""What a review's score depends on."""
LATE_LIMIT = 3 * DAY
SCORE_WEIGHTS = (
    (0.04, 0.03, 0.08, 0.22, 0.63),
    (0.16, 0.12, 0.20, 0.24, 0.28),
    (0.48, 0.17, 0.14, 0.10, 0.11),
)
"""Chances of 1 to 5 stars, by lateness."""
REVIEW_SHARE, ANSWER_SHARE, ANSWER_DAYS = 0.78, 0.40, 1.5
"""Shares of delivered orders that are reviewed and of reviews that are answered, and mean days to the answer."""


def draw_corrections(orders: Orders, lines: Lines, return_rate: Floats, rng: np.random.Generator) -> Lines:
    """Draw the lines that reduce what is due; an order is corrected at most once, all at one time.

    Args:
        orders: what becomes of the orders.
        lines: the lines they began with.
        return_rate: chance that something of an order comes back if it is delivered on time, (orders,).
        rng: source of chance.
    """
    is_late = _lateness(orders) > 0
    chance = return_rate * np.where(is_late, LATE_RETURN_FACTOR, 1.0)
    is_delivered = orders.delivered < NEVER
    is_returned = is_delivered & (rng.random(orders.size) < chance)
    days = rng.uniform(*RETURN_DAYS, orders.size)
    return_at = np.where(is_delivered, orders.delivered, 0) + (days * DAY).astype(np.int64)
    is_adjusted = is_delivered & is_late & ~is_returned & (rng.random(orders.size) < ADJUSTMENT_SHARE)
    corrections = concat(
        [
            _canceled_lines(orders, lines),
            _returned_lines(lines, is_returned, return_at, rng),
            _adjustment_lines(lines, is_adjusted, return_at, rng),
        ]
    )
    return number_lines(corrections, after=np.bincount(lines.order, minlength=orders.size))


def _reversed_lines(lines: Lines, rows: Flags, quantity: Ints, freight: Ints, at: Ints) -> Lines:
    """Return the lines the other way round: what was sold returns; discounts and fees are undone by their own kind."""
    undone = lines.take(rows)
    kind = np.where(undone.kind == LINE_KIND["sale"], LINE_KIND["return"], undone.kind)
    return replace(undone, kind=kind, quantity=-quantity[rows], freight=-freight[rows], at=at[undone.order])


def _canceled_lines(orders: Orders, lines: Lines) -> Lines:
    """Return all lines of orders that ended, freight too."""
    rows = (orders.ended < NEVER)[lines.order]
    return _reversed_lines(lines, rows, lines.quantity, lines.freight, orders.ended)


def _returned_lines(lines: Lines, is_returned: Flags, at: Ints, rng: np.random.Generator) -> Lines:
    """Return some units of some paid lines of each order, and the part of the discount that belonged to them."""
    is_open = is_returned[lines.order] & (lines.kind == LINE_KIND["sale"]) & (lines.cents > 0)
    is_selected = is_open & (rng.random(lines.size) < LINE_RETURN_SHARE)
    candidates = np.flatnonzero(is_open)
    is_selected[candidates[is_first_occurrence(lines.order[candidates])]] = True
    units = 1 + (rng.random(lines.size) * lines.quantity).astype(np.int64)
    return_lines = _reversed_lines(lines, is_selected, units, np.zeros_like(lines.freight), at)
    return concat([return_lines, _discount_reversals(lines, return_lines, at)])


def _discount_reversals(lines: Lines, return_lines: Lines, at: Ints) -> Lines:
    """Return the part of each discount that covered what came back, in proportion to its price, rounded down to the cent."""
    size = len(at)
    is_sale = lines.kind == LINE_KIND["sale"]
    sold = sum_by(lines.order[is_sale], lines.goods[is_sale], size)
    returned = -sum_by(return_lines.order, return_lines.goods, size)
    discounts = lines.take(lines.kind == LINE_KIND["discount"])
    order = discounts.order
    share = -(-discounts.cents * returned[order] // sold[order])
    undone = replace(discounts, cents=share, quantity=-discounts.quantity, at=at[order])
    return undone.take(share < 0)


def _adjustment_lines(lines: Lines, is_adjusted: Flags, at: Ints, rng: np.random.Generator) -> Lines:
    """Return an adjustment in the customer's favour for each order."""
    is_sale = lines.kind == LINE_KIND["sale"]
    goods = sum_by(lines.order[is_sale], lines.goods[is_sale], len(at))
    order = np.flatnonzero(is_adjusted)
    low, high = ADJUSTMENT_PERCENT
    cents = -(goods[order] * rng.integers(low, high + 1, len(order)) // 100)
    missing, zeros = np.full(len(order), -1), np.zeros(len(order), dtype=np.int64)
    kind = np.full(len(order), LINE_KIND["adjustment"])
    quantity = np.ones(len(order), dtype=np.int64)
    return Lines(
        order, at[order], no_faults(len(order)), zeros, kind, missing, missing, quantity, cents, zeros
    )


def _lateness(orders: Orders) -> Ints:
    """Return position in ``LATENESS`` of each order that is ever delivered."""
    late = orders.delivered - orders.promised
    lateness: Ints = (late > 0).astype(np.int8) + (late > LATE_LIMIT)
    return lateness


def draw_reviews(orders: Orders, rng: np.random.Generator) -> Reviews:
    """Return reviews of delivered orders, whose score depends on the delay."""
    size = orders.size
    is_reviewed = (orders.delivered < NEVER) & (rng.random(size) < REVIEW_SHARE)
    lateness = _lateness(orders)
    limits = np.cumsum(SCORE_WEIGHTS, axis=1)[lateness, :-1]
    score = 1 + (rng.random(size)[:, None] >= limits).sum(axis=1)
    created = orders.delivered + (rng.uniform(0.3, 6.0, size) * DAY).astype(np.int64)
    waits = HOUR + (rng.exponential(ANSWER_DAYS, size) * DAY).astype(np.int64)
    answered = np.where(rng.random(size) < ANSWER_SHARE, created + waits, -1)
    return Reviews(
        order=np.arange(size),
        at=np.maximum(created, answered),
        fault=no_faults(size),
        created=created,
        answered=answered,
        score=score,
        lateness=lateness,
    ).take(is_reviewed)
