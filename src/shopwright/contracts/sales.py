"""Sales of a shop: orders, their lines, payments, refunds and reviews, and rates of exchange."""

from __future__ import annotations

from shopwright.contracts.events import MAX_TIMESTAMP, MIN_TIMESTAMP
from shopwright.contracts.reference import PROPERTIES
from shopwright.contracts.schema import Column, Entity, Kind, Rule

IS_DAY = "_is_day"
"""End of the name of a column that says whether only the day of a time is known."""

LINE_KINDS = (
    "sale",
    "return",
    "discount",
    "fee",
    "adjustment",
    "tip",
    "gift_card",
    "tax",
    "shipping",
)

TENDERS = ("money", "gift_card", "store_credit")

MAX_AMOUNT = "100000000"
"""Limit of an amount; above it, the amount is treated as an error of the export."""

_MAX_NUMBER = "999999999999999999"
"""Limit of numbers of lines and payments, which may be the ids of a platform."""

_OF_ORDER = "ISO 4217 code; empty means the order's currency, or else the shop's."


def _timestamp(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(
        name,
        Kind.TIMESTAMP,
        meaning,
        unit="UTC",
        required=required,
        minimum=MIN_TIMESTAMP,
        maximum=MAX_TIMESTAMP,
    )


def _amount(name: str, meaning: str, *, kind: Kind = Kind.MONEY, required: bool = False) -> Column:
    return Column(
        name,
        kind,
        meaning,
        unit="`currency`",
        required=required,
        minimum=f"-{MAX_AMOUNT}",
        maximum=MAX_AMOUNT,
    )


def _currency(
    meaning: str = "ISO 4217 code; empty means the shop's currency.", name: str = "currency"
) -> Column:
    return Column(name, Kind.CURRENCY, meaning)


def _position(name: str, meaning: str, *, required: bool = False) -> Column:
    return Column(name, Kind.INTEGER, meaning, required=required, minimum="1", maximum=_MAX_NUMBER)


def _is_day(name: str) -> Column:
    return Column(
        f"{name}{IS_DAY}",
        Kind.BOOLEAN,
        f"Whether only the day of `{name}` is known, which is then the beginning of that day of the shop; empty means no.",
    )


ORDERS = Entity(
    name="orders",
    grain="one version of an order",
    key=("order_id", "valid_from"),
    time_column="ordered_at",
    columns=(
        Column("order_id", Kind.ORDER_ID, "The order.", required=True),
        _timestamp("valid_from", "From when this version is valid; empty where the source does not say."),
        Column(
            "customer_id", Kind.PERSON_ID, "The person who ordered; empty where unknown.", is_personal=True
        ),
        Column("status", Kind.TEXT, "Status as the source writes it."),
        _timestamp("ordered_at", "When the order was placed.", required=True),
        _is_day("ordered_at"),
        _timestamp("approved_at", "When the payment was approved."),
        _timestamp("shipped_at", "When it was handed to the carrier."),
        _timestamp("delivered_at", "When it was delivered to the customer."),
        _timestamp("promised_at", "Estimated delivery, as promised to the customer."),
        _timestamp(
            "canceled_at", "When it was canceled; an order with such a time is canceled, whatever its status."
        ),
        Column("cancel_reason", Kind.TEXT, "Why it was canceled.", is_personal=True),
        Column("is_test", Kind.BOOLEAN, "Whether it is a test of the shop, which counts in no figure."),
        _currency(),
        _amount(
            "subtotal_amount", "Its lines before discounts, taxes and shipping, as the source states it."
        ),
        _amount("discount_amount", "All discounts, as a positive amount, as the source states it."),
        _amount("shipping_amount", "Shipping, as the source states it."),
        _amount("tax_amount", "All taxes, as the source states it."),
        Column("is_tax_included", Kind.BOOLEAN, "Whether the prices contain `tax_amount`; empty means no."),
        _amount("total_amount", "What the customer owes, as the source states it."),
        _currency(
            "Currency that the customer saw, where the amounts are in another one.", "presentment_currency"
        ),
        Column(
            "presentment_rate",
            Kind.PRICE,
            "Units of `presentment_currency` for one unit of `currency`.",
            minimum="0",
            maximum="10000000",
        ),
        Column("sales_channel", Kind.TEXT, "Where it was sold, such as web, pos or a marketplace."),
        Column("store_id", Kind.ID, "Store or site that sold it."),
        Column("coupon_codes", Kind.TEXT, "Codes that the customer used, separated by commas."),
        Column("landing_page", Kind.TEXT, "First page of the visit that led to it.", is_personal=True),
        Column("referrer", Kind.TEXT, "Page from which that visit came.", is_personal=True),
        Column("utm_source", Kind.TEXT, "UTM source of that visit."),
        Column("utm_medium", Kind.TEXT, "UTM medium of that visit."),
        Column("utm_campaign", Kind.TEXT, "UTM campaign of that visit."),
        Column("utm_term", Kind.TEXT, "UTM term of that visit."),
        Column("utm_content", Kind.TEXT, "UTM content of that visit."),
        Column("ship_zip_prefix", Kind.TEXT, "Leading part of the ship-to postal code.", is_personal=True),
        Column("ship_city", Kind.TEXT, "Ship-to city.", is_personal=True),
        Column("ship_region", Kind.TEXT, "Ship-to state or region."),
        Column("ship_country", Kind.TEXT, "Ship-to country."),
        PROPERTIES,
    ),
)

ORDER_ITEMS = Entity(
    name="order_items",
    grain="one line of an order",
    key=("order_id", "line_number"),
    optional_key="line_number",
    whole="order_id",
    time_column="ordered_at",
    columns=(
        Column("order_id", Kind.ORDER_ID, "The order.", required=True),
        _position("line_number", "Number of the line, from 1; empty where the source does not number lines."),
        _position(
            "copy_number",
            "Number of the copy, from 1, among equal lines of an order; empty where the source numbers lines.",
        ),
        Column("product_id", Kind.ID, "The product."),
        Column("variant_id", Kind.ID, "The variant of the product, such as a size."),
        Column("product_name", Kind.TEXT, "Name of the product in the line."),
        Column("seller_id", Kind.ID, "The seller, on a marketplace."),
        Column(
            "kind",
            Kind.TEXT,
            "Kind of line. A sale with a negative amount is a return, with the kind_rule `negative sale`.",
            required=True,
            allowed=LINE_KINDS,
        ),
        Column("kind_rule", Kind.TEXT, "The adapter's rule that decided the kind, such as postage."),
        Column(
            "quantity",
            Kind.QUANTITY,
            "Units, or a weight or length in `unit`; negative for returns. Only lines of goods need one.",
            unit="`unit`",
            required=True,
            minimum="-1000000",
            maximum="1000000",
        ),
        Column("unit", Kind.TEXT, "What the quantity counts, such as kg or m; empty means pieces."),
        _amount("unit_price", "Price of one unit, before discounts, with all its decimals.", kind=Kind.PRICE),
        _amount(
            "line_amount",
            "Amount of the line before `discount_amount`: as stated or else price times quantity, rounded once. "
            "All money adds up from it. A discount line lowers, whichever sign the source gives it; one whose quantity "
            "and price are both negative undoes a discount.",
        ),
        _currency(_OF_ORDER),
        _amount("tax_amount", "Tax on the line; it has the sign of the line's amount."),
        Column(
            "is_tax_included",
            Kind.BOOLEAN,
            "Whether the line's amount contains `tax_amount`; empty means no.",
        ),
        _amount("discount_amount", "Discount on the line, as a positive amount."),
        Column("discount_code", Kind.TEXT, "Code of that discount."),
        _amount("unit_cost", "What one unit cost the shop.", kind=Kind.PRICE),
        Column(
            "refunded_line_number", Kind.INTEGER, "Number of the line that a return gives back.", minimum="1"
        ),
        _amount("freight", "Shipping charged for the line."),
        _timestamp("ordered_at", "When the order was placed, in exports that have only order lines."),
        _is_day("ordered_at"),
        Column(
            "customer_id",
            Kind.PERSON_ID,
            "The customer who ordered, in exports that have only order lines.",
            is_personal=True,
        ),
        Column("ship_country", Kind.TEXT, "Ship-to country, in exports that have only order lines."),
        PROPERTIES,
    ),
    rules=(
        Rule(
            "amount_missing",
            "line_amount is not null",
            "A line has an amount: `line_amount`, or `unit_price` and `quantity`.",
            follows=("unit_price", "line_amount", "quantity"),
        ),
        Rule(
            "return_adds_money",
            "kind <> 'return' or line_amount <= 0",
            "A return has a negative amount: its quantity or its price is negative.",
        ),
        Rule(
            "tax_exceeds_amount",
            "not is_tax_included or abs(tax_amount) <= abs(line_amount)",
            "Tax inside an amount is no more than the amount.",
        ),
        Rule(
            "negative_quantity_adds_money",
            "kind <> 'sale' or quantity >= 0 or line_amount is null",
            "A sale of a negative quantity has no positive amount.",
        ),
    ),
)

PAYMENTS = Entity(
    name="payments",
    grain="one payment of an order",
    key=("order_id", "sequence"),
    whole="order_id",
    columns=(
        Column("order_id", Kind.ORDER_ID, "The order.", required=True),
        _position("sequence", "Number of the payment, from 1.", required=True),
        Column("method", Kind.TEXT, "Payment method, as the source writes it."),
        Column(
            "tender",
            Kind.TEXT,
            "What was paid with; empty means what the method's name says, or else money.",
            allowed=TENDERS,
        ),
        Column(
            "status", Kind.TEXT, "Status as the source writes it; a failed or voided payment pays nothing."
        ),
        Column("installments", Kind.INTEGER, "Number of installments.", minimum="0", maximum="1000"),
        _amount("amount", "Amount paid; negative for a refund.", required=True),
        _amount("fee_amount", "What the payment cost the shop."),
        _currency(_OF_ORDER),
        _timestamp("paid_at", "When it was paid or refunded; empty means with the order."),
        PROPERTIES,
    ),
)

REFUNDS = Entity(
    name="refunds",
    grain="one line of a refund",
    key=("order_id", "refund_id", "line_number"),
    whole="order_id",
    time_column="refunded_at",
    columns=(
        Column("refund_id", Kind.ID, "The refund.", required=True),
        Column("order_id", Kind.ORDER_ID, "The order refunded.", required=True),
        _position("line_number", "Number of the order line given back; empty for what belongs to no line."),
        _timestamp("refunded_at", "When it was refunded.", required=True),
        Column("product_id", Kind.ID, "The product given back, where no line is named."),
        Column(
            "quantity",
            Kind.QUANTITY,
            "Units given back, as a positive number.",
            unit="`unit` of the line",
            minimum="-1000000",
            maximum="1000000",
        ),
        _amount("line_amount", "Goods refunded, without `tax_amount`, as a positive amount."),
        _amount("tax_amount", "Tax refunded, as a positive amount."),
        _amount("shipping_amount", "Shipping refunded, as a positive amount."),
        _amount("adjustment_amount", "What else was refunded; negative where the shop retained something."),
        _currency(_OF_ORDER),
        Column("reason", Kind.TEXT, "Why it was refunded.", is_personal=True),
        PROPERTIES,
    ),
    rules=(
        Rule(
            "amount_missing",
            "coalesce(line_amount, tax_amount, shipping_amount, adjustment_amount) is not null",
            "A refund has an amount.",
            follows=("line_amount", "tax_amount", "shipping_amount", "adjustment_amount"),
        ),
    ),
)

EXCHANGE_RATES = Entity(
    name="exchange_rates",
    grain="one rate of a currency from one day on",
    key=("currency", "rate_date"),
    time_column="rate_date",
    columns=(
        Column(
            "currency",
            Kind.CURRENCY,
            "ISO 4217 code of the currency that amounts are in; the shop's own needs no rate, and one of it is ignored.",
            required=True,
        ),
        _timestamp(
            "rate_date",
            "Day of the rate; it counts until the next one, for seven days at most.",
            required=True,
        ),
        Column(
            "rate",
            Kind.PRICE,
            "Units of the shop's currency for one unit of `currency`.",
            required=True,
            minimum="0.000000000001",
            maximum="10000000",
        ),
    ),
)

REVIEWS = Entity(
    name="reviews",
    grain="one review of an order",
    key=("review_id", "order_id"),
    time_column="created_at",
    columns=(
        Column("review_id", Kind.ID, "The review.", required=True),
        Column("order_id", Kind.ORDER_ID, "The order reviewed.", required=True),
        Column("score", Kind.INTEGER, "Stars, 1 worst to 5 best.", required=True, minimum="1", maximum="5"),
        _timestamp("created_at", "When it was requested or written."),
        _timestamp("answered_at", "When it was answered."),
        PROPERTIES,
    ),
)
