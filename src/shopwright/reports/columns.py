"""Columns that several reports share, each with one meaning."""

from __future__ import annotations

from shopwright.reports.report import Column

SESSION_COUNT = Column("session_count", "Sessions of people; bots are excluded.", "count")
PURCHASE_SESSION_COUNT = Column("purchase_session_count", "Sessions of people with a purchase.", "count")
SESSION_CONVERSION_RATE = Column(
    "session_conversion_rate",
    "Share of sessions with a purchase; undefined without sessions, or if no session at all has a purchase.",
    "share",
    stated_by="purchases",
)
ORDER_COUNT = Column(
    "order_count", "Orders placed, including canceled ones, excluding credit notes and write-offs.", "count"
)
CANCELED_ORDER_COUNT = Column(
    "canceled_order_count",
    "Orders that were canceled; undefined where purchase events are the only orders.",
    "count",
    "Canceled orders",
    stated_by="orders",
)
CUSTOMER_COUNT = Column(
    "customer_count", "Identified customers with a counted order: one with a sale, not canceled.", "count"
)
UNIT_COUNT = Column("unit_count", "Units sold, as ordered.", "count")
GROSS_AMOUNT = Column(
    "gross_amount",
    "Price times quantity of what was ordered, including canceled orders.",
    "money",
    "Gross sales",
)
DISCOUNT_AMOUNT = Column(
    "discount_amount",
    "Discounts granted; undefined where purchase events are the only orders.",
    "money",
    "Discounts",
    stated_by="orders",
)
RETURN_AMOUNT = Column(
    "return_amount",
    "Value of returned goods; undefined where purchase events are the only orders.",
    "money",
    "Returns",
    stated_by="orders",
)
NET_AMOUNT = Column(
    "net_amount",
    "Gross sales less discounts and returns, of orders that were not canceled; without freight, fees and adjustments.",
    "money",
    "Net sales",
)
AVERAGE_ORDER_VALUE = Column(
    "average_order_value",
    "Gross sales less discounts of counted orders, divided by their number; undefined without any.",
    "money",
)
DELIVERED_ORDER_COUNT = Column("delivered_order_count", "Orders with a known delivery time.", "count")
AVERAGE_DELIVERY_DAYS = Column(
    "average_delivery_days", "Mean time from order to delivery.", "days", "Average delivery time"
)
PROMISED_ORDER_COUNT = Column(
    "promised_order_count",
    "Delivered orders with a known promised date.",
    "count",
    "Orders with a promised date",
)
ON_TIME_RATE = Column(
    "on_time_rate",
    "Share of deliveries on or before the promised date, of those with one.",
    "share",
    "On-time delivery rate",
)
REVIEWED_ORDER_COUNT = Column("reviewed_order_count", "Orders with a review.", "count", "Reviewed orders")
AVERAGE_REVIEW_SCORE = Column("average_review_score", "Mean score of reviewed orders, 1 to 5.", "number")
CATEGORY = Column("category", "Product category; (none) where it has none.", "text")
DEVICE = Column("device", "First device of the session; (unknown) where none is stated.", "text")
CHANNEL = Column("channel", "First marketing channel of the session; (unknown) where none is stated.", "text")
