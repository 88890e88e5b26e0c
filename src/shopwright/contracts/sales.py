"""Sales of a shop: orders, their lines, payments and reviews."""

from __future__ import annotations

from shopwright.contracts.events import MAX_PRICE, MAX_TIMESTAMP, MIN_TIMESTAMP
from shopwright.contracts.reference import PROPERTIES
from shopwright.contracts.schema import Column, Entity, Kind, Rule

LINE_KINDS = ("sale", "return", "discount", "fee", "adjustment")


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


ORDERS = Entity(
    name="orders",
    grain="one version of an order",
    key=("order_id", "valid_from"),
    time_column="ordered_at",
    columns=(
        Column("order_id", Kind.TEXT, "The order.", required=True),
        _timestamp("valid_from", "From when this version is valid; empty where the source does not say."),
        Column("customer_id", Kind.TEXT, "The person who ordered; empty where unknown."),
        Column("status", Kind.TEXT, "Status as the source writes it."),
        _timestamp("ordered_at", "When the order was placed.", required=True),
        _timestamp("approved_at", "When the payment was approved."),
        _timestamp("shipped_at", "When it was handed to the carrier."),
        _timestamp("delivered_at", "When it was delivered to the customer."),
        _timestamp("promised_at", "Estimated delivery, as promised to the customer."),
        Column("currency", Kind.TEXT, "ISO 4217 code; empty means the shop's currency."),
        Column("ship_zip_prefix", Kind.TEXT, "Leading part of the ship-to postal code."),
        Column("ship_city", Kind.TEXT, "Ship-to city."),
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
    time_column="ordered_at",
    columns=(
        Column("order_id", Kind.TEXT, "The order.", required=True),
        Column(
            "line_number",
            Kind.INTEGER,
            "Number of the line, from 1; empty where the source does not number lines.",
            minimum="1",
        ),
        Column(
            "copy_number",
            Kind.INTEGER,
            "Number of the copy, from 1, among equal lines of an order; empty where the source numbers lines.",
            minimum="1",
        ),
        Column("product_id", Kind.TEXT, "The product."),
        Column("product_name", Kind.TEXT, "Name of the product in the line."),
        Column("seller_id", Kind.TEXT, "The seller, on a marketplace."),
        Column("kind", Kind.TEXT, "Kind of line.", required=True, allowed=LINE_KINDS),
        Column("kind_rule", Kind.TEXT, "The adapter's rule that decided the kind, such as postage."),
        Column(
            "quantity",
            Kind.INTEGER,
            "Units; negative for returns.",
            unit="units",
            required=True,
            minimum="-1000000",
            maximum="1000000",
        ),
        Column(
            "unit_price",
            Kind.MONEY,
            "Price of one unit.",
            unit="`currency`",
            required=True,
            minimum=f"-{MAX_PRICE}",
            maximum=MAX_PRICE,
        ),
        Column(
            "freight",
            Kind.MONEY,
            "Shipping charged for the line.",
            unit="`currency`",
            minimum=f"-{MAX_PRICE}",
            maximum=MAX_PRICE,
        ),
        _timestamp("ordered_at", "When the order was placed, in exports that have only order lines."),
        Column("customer_id", Kind.TEXT, "The customer who ordered, in exports that have only order lines."),
        Column("ship_country", Kind.TEXT, "Ship-to country, in exports that have only order lines."),
        PROPERTIES,
    ),
    rules=(
        Rule(
            "return_adds_money",
            "kind <> 'return' or quantity * unit_price <= 0",
            "A return has a negative amount: its quantity or its price is negative.",
        ),
    ),
)

PAYMENTS = Entity(
    name="payments",
    grain="one payment of an order",
    key=("order_id", "sequence"),
    columns=(
        Column("order_id", Kind.TEXT, "The order.", required=True),
        Column("sequence", Kind.INTEGER, "Number of the payment, from 1.", required=True, minimum="1"),
        Column("method", Kind.TEXT, "Payment method, as the source writes it."),
        Column("installments", Kind.INTEGER, "Number of installments.", minimum="0"),
        Column(
            "amount",
            Kind.MONEY,
            "Amount paid; negative for a refund.",
            unit="`currency`",
            required=True,
            minimum="-100000000",
            maximum="100000000",
        ),
        _timestamp("paid_at", "When it was paid or refunded; empty means with the order."),
        PROPERTIES,
    ),
)

REVIEWS = Entity(
    name="reviews",
    grain="one review of an order",
    key=("review_id", "order_id"),
    time_column="created_at",
    columns=(
        Column("review_id", Kind.TEXT, "The review.", required=True),
        Column("order_id", Kind.TEXT, "The order reviewed.", required=True),
        Column("score", Kind.INTEGER, "Stars, 1 worst to 5 best.", required=True, minimum="1", maximum="5"),
        _timestamp("created_at", "When it was requested or written."),
        _timestamp("answered_at", "When it was answered."),
        PROPERTIES,
    ),
)
