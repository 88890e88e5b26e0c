"""Traits of an ordinary shop's money, each a step from sales to sales.

The steps run in the order of ``TRAITS``. None changes who buys what; taxes on top, tips and gift cards change what is paid.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from shopwright.simulate.arrays import concat, is_first_occurrence, sum_by
from shopwright.simulate.sales.records import LINE_KIND, METHOD, NEVER, STATE, no_faults
from shopwright.simulate.traits.records import (
    CURRENCIES,
    PAYMENT_STATUSES,
    OrdinaryPayments,
    OrdinarySales,
    Refunds,
    rounded_share,
)
from shopwright.simulate.users import CITY_COUNTRY, COUNTRIES

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Flags, Ints
    from shopwright.simulate.sales.sellers import Sellers

WEIGHED, FINE = 1, 2
"""Products whose position leaves this remainder when divided by ``PRODUCT_GROUPS`` are sold by weight or by the thousand."""
PRODUCT_GROUPS = 8
TAX_PERCENT = {"DE": 19, "FR": 20, "GB": 20, "ES": 21, "IT": 22, "NL": 21, "PL": 23, "US": 8}
TAX_ON_TOP = ("US",)
"""Countries in which prices do not contain the tax."""
TAXED_KINDS = ("sale", "return", "discount", "fee")
COUNTRY_CURRENCY = {"GB": "GBP", "US": "USD"}
"""Currencies of countries that do not pay in the shop's."""
TIP_SHARE, TIP_CENTS = 0.06, (50, 900)
GIFT_CARD_SHARE, GIFT_CARD_CENTS = 0.04, (1_000, 2_500, 5_000)
SHIPPING_REFUND_SHARE = 0.3
"""Share of refunds of goods that give the shipping back too."""
TEST_SHARE = 0.03
"""Orders that are tests or voided, for each real one."""
TEST_NUMBERS = 500_000_000
"""From where tests are numbered."""
FAILED_SHARE, FAILED_SEQUENCE = 0.04, 90
"""Share of orders with a failed payment before the one that succeeded, and the number of that payment."""
HEADER_ONLY_SHARE = 0.04
"""Share of orders whose lines are not exported, among those that consist of sales alone."""


def is_in_group(product: Ints, remainder: int) -> Flags:
    """Mark the products that are sold in a way of their own."""
    flags: Flags = (product >= 0) & (product % PRODUCT_GROUPS == remainder)
    return flags


def _is_kind(sales: OrdinarySales, *kinds: str) -> Flags:
    return np.isin(sales.lines.kind, [LINE_KIND[kind] for kind in kinds])


def _country(sales: OrdinarySales) -> Ints:
    country: Ints = CITY_COUNTRY[sales.orders.city]
    return country


def weigh(sales: OrdinarySales, sellers: Sellers, rng: np.random.Generator) -> OrdinarySales:
    """Sell some products by the kilogram: a price per kilogram rounded to the cent, and the amount, which counts."""
    del rng
    lines = sales.lines
    rows = is_in_group(lines.product, WEIGHED) & _is_kind(sales, "sale", "return")
    grams = sellers.grams[lines.product]
    price = rounded_share(lines.cents, np.full(lines.size, 1_000), grams)
    return replace(
        sales,
        lines=replace(
            lines,
            milli=np.where(rows, lines.quantity * grams, lines.milli),
            unit=np.where(rows, 1, lines.unit),
            micro=np.where(rows, price * 10_000, lines.micro),
            has_amount=lines.has_amount | rows,
        ),
    )


def refine_prices(sales: OrdinarySales, sellers: Sellers, rng: np.random.Generator) -> OrdinarySales:
    """Sell some products by the thousand, at a price of one piece with five decimals and without an amount."""
    del sellers, rng
    lines = sales.lines
    rows = is_in_group(lines.product, FINE) & _is_kind(sales, "sale", "return")
    return replace(
        sales,
        lines=replace(
            lines,
            milli=np.where(rows, lines.milli * 1_000, lines.milli),
            micro=np.where(rows, lines.cents * 10, lines.micro),
        ),
    )


def add_tips(sales: OrdinarySales, sellers: Sellers, rng: np.random.Generator) -> OrdinarySales:
    """Give some orders a tip."""
    del sellers
    orders = np.flatnonzero(rng.random(sales.orders.size) < TIP_SHARE)
    return _charge(sales, orders, "tip", rng.integers(*TIP_CENTS, len(orders)))


def add_gift_cards(sales: OrdinarySales, sellers: Sellers, rng: np.random.Generator) -> OrdinarySales:
    """Sell gift cards with some orders; vouchers, which are paid with, become gift cards by the name of the method."""
    del sellers
    orders = np.flatnonzero(rng.random(sales.orders.size) < GIFT_CARD_SHARE)
    return _charge(sales, orders, "gift_card", rng.choice(GIFT_CARD_CENTS, len(orders)))


def _charge(sales: OrdinarySales, order: Ints, kind: str, cents: Ints) -> OrdinarySales:
    """Add a line to each of the orders and to what is paid for it, and take it back where the order is canceled."""
    of_order = sales.orders
    is_ended = of_order.ended[order] < NEVER
    is_reversed = is_ended & np.isin(order, sales.lines.order[sales.is_correction])
    charged = sum_by(order, cents, of_order.size)
    taken_back = sum_by(order[is_reversed], -cents[is_reversed], of_order.size)
    sales = sales.with_payments_changed(charged, taken_back)
    sales = sales.with_lines(order, kind, cents, of_order.at[order])
    return sales.with_lines(order[is_reversed], kind, -cents[is_reversed], of_order.ended[order[is_reversed]])


def add_taxes(sales: OrdinarySales, sellers: Sellers, rng: np.random.Generator) -> OrdinarySales:
    """State the tax of goods, discounts and fees: inside the amounts, or on top of them, by the country."""
    del sellers, rng
    lines, country = sales.lines, _country(sales)
    percent = np.array([TAX_PERCENT[name] for name in COUNTRIES])[country][lines.order]
    is_on_top = np.isin(country, [COUNTRIES.index(name) for name in TAX_ON_TOP])
    base = np.where(is_on_top[lines.order], 100, 100 + percent)
    tax = np.where(_is_kind(sales, *TAXED_KINDS), rounded_share(lines.amount, percent, base), 0)
    lines = replace(lines, tax=tax, is_tax_included=~is_on_top[lines.order])
    sales = replace(sales, lines=lines, orders=replace(sales.orders, is_tax_included=~is_on_top))
    is_correction = sales.is_correction
    return sales.with_payments_changed(
        sales.by_order(lines.added_tax, ~is_correction), sales.by_order(lines.added_tax, is_correction)
    )


def separate_refunds(sales: OrdinarySales, sellers: Sellers, rng: np.random.Generator) -> OrdinarySales:
    """State what came back from orders that stand as refunds, each with its own time, and no longer as lines."""
    del sellers
    lines, size = sales.lines, sales.orders.size
    rows = sales.is_correction & (sales.orders.ended == NEVER)[lines.order]
    returns = lines.take(rows & _is_kind(sales, "return"))
    discounts = lines.take(rows & _is_kind(sales, "discount"))
    adjustments = lines.take(rows & _is_kind(sales, "adjustment"))
    is_first = is_first_occurrence(returns.order)
    discount, discount_tax = (
        np.where(is_first, sum_by(discounts.order, values, size)[returns.order], 0)
        for values in (discounts.amount, discounts.tax)
    )
    tax = -returns.tax - discount_tax
    goods = -returns.amount - discount
    is_sale = ~sales.is_correction & _is_kind(sales, "sale")
    freight = np.where(rng.random(size) < SHIPPING_REFUND_SHARE, sales.by_order(lines.freight, is_sale), 0)
    shipping = np.where(is_first, freight[returns.order], 0)
    zero, none = np.zeros(adjustments.size, dtype=np.int64), np.full(adjustments.size, -1)
    refunds = Refunds(
        order=np.concatenate([returns.order, adjustments.order]),
        at=np.concatenate([returns.at, adjustments.at]),
        fault=no_faults(returns.size + adjustments.size),
        line=np.concatenate([_sold_lines(sales, returns.order, returns.product), none]),
        product=np.concatenate([returns.product, none]),
        milli=np.concatenate([-returns.milli, zero]),
        amount=np.concatenate([np.where(returns.is_tax_included, goods - tax, goods), zero]),
        tax=np.concatenate([tax, zero]),
        shipping=np.concatenate([shipping, zero]),
        adjustment=np.concatenate([zero[:0], np.zeros(returns.size, dtype=np.int64), -adjustments.amount]),
        currency=np.zeros(returns.size + adjustments.size, dtype=np.int64),
    )
    sales = sales.with_payments_changed(
        np.zeros(size, dtype=np.int64), -sum_by(returns.order, shipping, size)
    )
    return replace(sales, lines=lines.take(~rows), refunds=concat([sales.refunds, refunds]))


def _sold_lines(sales: OrdinarySales, order: Ints, product: Ints) -> Ints:
    """Return the number of the line by which each product of an order was sold; free items aside."""
    lines = sales.lines
    sold = lines.take(~sales.is_correction & _is_kind(sales, "sale") & (lines.cents > 0))
    keys = sold.order * 2**32 + sold.product
    by_key = np.argsort(keys)
    found_at = np.searchsorted(keys[by_key], order * 2**32 + product)
    numbers: Ints = sold.number[by_key][found_at]
    return numbers


def use_currencies(sales: OrdinarySales, sellers: Sellers, rng: np.random.Generator) -> OrdinarySales:
    """State the amounts of each order in the currency of the country it goes to: the same numbers, other money."""
    del sellers, rng
    codes = np.array([CURRENCIES.index(COUNTRY_CURRENCY.get(name, CURRENCIES[0])) for name in COUNTRIES])
    currency = codes[_country(sales)]
    return replace(
        sales,
        orders=replace(sales.orders, currency=currency),
        lines=replace(sales.lines, currency=currency[sales.lines.order]),
        payments=replace(sales.payments, currency=currency[sales.payments.order]),
        refunds=replace(sales.refunds, currency=currency[sales.refunds.order]),
    )


def add_tests(sales: OrdinarySales, sellers: Sellers, rng: np.random.Generator) -> OrdinarySales:
    """Copy some orders as tests and as voided orders, and let some payments fail before one succeeds."""
    del sellers
    sales = _with_failed_payments(sales, rng)
    copied = np.flatnonzero(rng.random(sales.orders.size) < TEST_SHARE)
    is_test = rng.random(len(copied)) < 0.5
    position = np.full(sales.orders.size, -1)
    position[copied] = sales.orders.size + np.arange(len(copied))
    copies = sales.orders.take(copied)
    orders = replace(copies, order=position[copied], is_test=is_test, is_voided=~is_test)
    lines, payments = sales.lines, sales.payments
    copied_lines = lines.take(position[lines.order] >= 0)
    copied_payments = payments.take(position[payments.order] >= 0)
    voided = np.zeros(len(position) + len(copied), dtype=bool)
    voided[position[copied]] = ~is_test
    copied_payments = replace(copied_payments, order=position[copied_payments.order])
    status = np.where(voided[copied_payments.order], PAYMENT_STATUSES.index("voided"), copied_payments.status)
    return replace(
        sales,
        number=np.concatenate([sales.number, sales.number[copied] + TEST_NUMBERS]),
        orders=concat([sales.orders, orders]),
        lines=concat([lines, replace(copied_lines, order=position[copied_lines.order])]),
        payments=concat([payments, replace(copied_payments, status=status)]),
    )


def _with_failed_payments(sales: OrdinarySales, rng: np.random.Generator) -> OrdinarySales:
    payments = sales.payments
    rows = np.flatnonzero((payments.sequence == 1) & (payments.cents > 0))
    failed = payments.take(rows[rng.random(len(rows)) < FAILED_SHARE])
    failed = replace(
        failed,
        sequence=np.full(failed.size, FAILED_SEQUENCE),
        status=np.full(failed.size, PAYMENT_STATUSES.index("failed")),
    )
    every_payment: OrdinaryPayments = concat([payments, failed])
    return replace(sales, payments=every_payment)


def state_totals(sales: OrdinarySales, sellers: Sellers, rng: np.random.Generator) -> OrdinarySales:
    """State the totals of each order as it was placed, and leave out the lines of some plain orders."""
    del sellers
    lines, first = sales.lines, ~sales.is_correction
    is_sale, is_discount = _is_kind(sales, "sale"), _is_kind(sales, "discount")
    due = lines.amount + lines.added_tax + lines.freight
    is_plain = np.ones(sales.orders.size, dtype=bool)
    is_plain[lines.order[~(is_sale & first)]] = False
    is_plain[sales.refunds.order] = False
    orders = replace(
        sales.orders,
        subtotal=sales.by_order(lines.amount, first & is_sale),
        discount=-sales.by_order(lines.amount, first & is_discount),
        shipping=sales.by_order(lines.freight, first),
        tax=sales.by_order(lines.tax, first),
        total=sales.by_order(due, first),
        has_lines=~(is_plain & (rng.random(sales.orders.size) < HEADER_ONLY_SHARE)),
    )
    return replace(sales, orders=orders)


def is_off(sales: OrdinarySales, end: int) -> Flags:
    """Mark the orders that are canceled, unavailable or voided as last exported."""
    state = sales.orders.state_before(end)
    flags: Flags = np.isin(state, [STATE["canceled"], STATE["unavailable"]]) | sales.orders.is_voided
    return flags


GIFT_CARD_METHOD = METHOD["voucher"]
"""The method that is a gift card in shops that sell them."""
