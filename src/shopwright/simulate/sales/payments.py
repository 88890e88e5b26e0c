"""How orders are paid: methods, installments, several payments of one order, and wrong amounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import choose, join
from shopwright.simulate.sales.records import METHOD, NEVER, Payments, sound

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Flags, Ints
    from shopwright.simulate.sales.records import Orders

METHOD_WEIGHTS = (0.74, 0.18, 0.03, 0.05)
"""Chances of card, bank slip, voucher alone and debit."""
SPLIT_SHARE = 0.10
"""Share of orders paid with vouchers and the rest by card."""
VOUCHER_WEIGHTS = (0.80, 0.15, 0.05)
"""Chances of one, two and three vouchers."""
INSTALLMENT_WEIGHTS = (0.50, 0.12, 0.10, 0.07, 0.05, 0.04, 0.02, 0.04, 0.02, 0.04)
"""Chances of 1 to 10 installments of a card payment."""
WIDEST_MISTAKE = 0.05
"""Wrong payments are off by a cent at least and by this share of what is owed at most."""


@dataclass(frozen=True)
class Intent:
    """How each order is going to be paid; one entry an order."""

    method: Ints
    """Method of the last payment, which carries what vouchers leave."""
    vouchers: Ints
    """Vouchers used before it."""
    mistake: Ints
    """Cents by which the sum paid is going to differ from what is owed."""


def draw_intent(owed: Ints, wrong_share: float, rng: np.random.Generator) -> Intent:
    """Draws how orders are paid; ``owed`` is in cents."""
    size = len(owed)
    is_split = rng.random(size) < SPLIT_SHARE
    method = np.where(is_split, METHOD["card"], choose(METHOD_WEIGHTS, size, rng))
    vouchers = np.where(is_split, 1 + choose(VOUCHER_WEIGHTS, size, rng).astype(np.int64), 0)
    is_wrong = rng.random(size) < wrong_share
    off = 1 + (owed * WIDEST_MISTAKE * rng.random(size)).astype(np.int64)
    sign = np.where(rng.random(size) < 0.5, -1, 1)
    return Intent(method, vouchers, np.where(is_wrong, sign * off, 0))


def pay(intent: Intent, orders: Orders, owed: Ints, is_wrong: Flags, rng: np.random.Generator) -> Payments:
    """The payments of the orders that are ever approved.

    Args:
        intent: how they are to be paid.
        orders: when they are approved.
        owed: cents of each order.
        is_wrong: the orders whose mistake happens.
        rng: source of chance.
    """
    total = owed + np.where(is_wrong, intent.mistake, 0)
    order = np.repeat(np.arange(orders.size), intent.vouchers)
    share = rng.uniform(0.1, 0.8, len(order)) / intent.vouchers[order]
    worth = np.maximum(1, (total[order] * share).astype(np.int64))
    rest = total.copy()
    np.subtract.at(rest, order, worth)
    place = np.arange(len(order)) - np.repeat(np.cumsum(intent.vouchers) - intent.vouchers, intent.vouchers)
    with_vouchers = _payments(orders, order, place + 1, np.full(len(order), METHOD["voucher"]), worth)
    everyone = np.arange(orders.size)
    last = _payments(orders, everyone, intent.vouchers + 1, intent.method, rest)
    last = replace(last, installments=_draw_installments(intent.method, rng))
    payments = join([with_vouchers, last])
    payments = payments.take(np.lexsort((payments.sequence, payments.order)))
    return payments.take(payments.at < NEVER)


def _payments(orders: Orders, order: Ints, sequence: Ints, method: Ints, cents: Ints) -> Payments:
    ones = np.ones(len(order), dtype=np.int64)
    return Payments(order, orders.approved[order], sound(len(order)), sequence, method, ones, cents)


def _draw_installments(method: Ints, rng: np.random.Generator) -> Ints:
    drawn = 1 + choose(INSTALLMENT_WEIGHTS, len(method), rng).astype(np.int64)
    return np.where(method == METHOD["card"], drawn, 1)


def refund(intent: Intent, order: Ints, at: Ints, cents: Ints) -> Payments:
    """Money given back by the method of the last payment: one refund for each of the orders, in negative cents."""
    ones = np.ones(len(order), dtype=np.int64)
    sequence = intent.vouchers[order] + 2
    return Payments(order, at, sound(len(order)), sequence, intent.method[order], ones, cents)
