"""How orders are paid: methods, installments, several payments of one order, and wrong amounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import concat, draw_choices
from shopwright.simulate.sales.records import METHOD, NEVER, Payments, no_faults

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
MAX_MISTAKE = 0.05
"""Wrong payments are off by at least a cent and by at most this share of the amount due."""


@dataclass(frozen=True)
class PaymentPlan:
    """How each order is going to be paid; one entry an order."""

    method: Ints
    """Method of the last payment, which carries what vouchers leave."""
    vouchers: Ints
    """Vouchers used before it."""
    mistake: Ints
    """Cents by which the sum paid is going to differ from the amount due."""


def draw_payment_plan(due_cents: Ints, wrong_share: float, rng: np.random.Generator) -> PaymentPlan:
    """Draw how orders are paid; ``due_cents`` is the amount due."""
    size = len(due_cents)
    is_split = rng.random(size) < SPLIT_SHARE
    method = np.where(is_split, METHOD["card"], draw_choices(METHOD_WEIGHTS, size, rng))
    vouchers = np.where(is_split, 1 + draw_choices(VOUCHER_WEIGHTS, size, rng).astype(np.int64), 0)
    is_wrong = rng.random(size) < wrong_share
    mistake = 1 + (due_cents * MAX_MISTAKE * rng.random(size)).astype(np.int64)
    sign = np.where(rng.random(size) < 0.5, -1, 1)
    return PaymentPlan(method, vouchers, np.where(is_wrong, sign * mistake, 0))


def draw_payments(
    plan: PaymentPlan, orders: Orders, due_cents: Ints, is_wrong: Flags, rng: np.random.Generator
) -> Payments:
    """Return the payments of the orders that are ever approved.

    Args:
        intent: how they are to be paid.
        orders: when they are approved.
        due_cents: amount due of each order, in cents.
        is_wrong: the orders whose mistake happens.
        rng: source of chance.
    """
    total = due_cents + np.where(is_wrong, plan.mistake, 0)
    order = np.repeat(np.arange(orders.size), plan.vouchers)
    share = rng.uniform(0.1, 0.8, len(order)) / plan.vouchers[order]
    amount = np.maximum(1, (total[order] * share).astype(np.int64))
    remainder = total.copy()
    np.subtract.at(remainder, order, amount)
    position = np.arange(len(order)) - np.repeat(np.cumsum(plan.vouchers) - plan.vouchers, plan.vouchers)
    with_vouchers = _payments(orders, order, position + 1, np.full(len(order), METHOD["voucher"]), amount)
    all_orders = np.arange(orders.size)
    last = _payments(orders, all_orders, plan.vouchers + 1, plan.method, remainder)
    last = replace(last, installments=_draw_installments(plan.method, rng))
    payments = concat([with_vouchers, last])
    payments = payments.take(np.lexsort((payments.sequence, payments.order)))
    return payments.take(payments.at < NEVER)


def _payments(orders: Orders, order: Ints, sequence: Ints, method: Ints, cents: Ints) -> Payments:
    single = np.ones(len(order), dtype=np.int64)
    return Payments(order, orders.approved[order], no_faults(len(order)), sequence, method, single, cents)


def _draw_installments(method: Ints, rng: np.random.Generator) -> Ints:
    values = 1 + draw_choices(INSTALLMENT_WEIGHTS, len(method), rng).astype(np.int64)
    return np.where(method == METHOD["card"], values, 1)


def draw_refunds(plan: PaymentPlan, order: Ints, at: Ints, cents: Ints) -> Payments:
    """Return money given back by the method of the last payment: one refund for each of the orders, in negative cents."""
    single = np.ones(len(order), dtype=np.int64)
    sequence = plan.vouchers[order] + 2
    return Payments(order, at, no_faults(len(order)), sequence, plan.method[order], single, cents)
