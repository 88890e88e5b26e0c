"""Columns that several reports have, each with one meaning."""

from __future__ import annotations

from shopwright.reports.model import Column

SESSIONS = Column("session_count", "Sessions of people; bots are left out.", "count")
BOUGHT = Column("purchase_session_count", "Sessions of people with a purchase.", "count")
CONVERSION = Column(
    "conversion_rate", "Sessions with a purchase, of all sessions; undefined without sessions.", "share"
)
ORDERS = Column(
    "order_count", "Orders placed, canceled ones included; credit notes and write-offs are none.", "count"
)
CANCELED = Column("canceled_order_count", "Orders that came to nothing.", "count")
CUSTOMERS = Column(
    "customer_count", "Known customers with an order that counts: one with a sale, not canceled.", "count"
)
UNITS = Column("unit_count", "Units sold, as ordered.", "count")
GROSS = Column("gross_amount", "Price times quantity of what was ordered, canceled orders included.", "money")
DISCOUNTS = Column("discount_amount", "Discounts given.", "money")
RETURNS = Column("return_amount", "Value of what came back.", "money")
NET = Column(
    "net_amount", "Gross less discounts, returns and canceled orders; without freight and fees.", "money"
)
AVERAGE_ORDER = Column(
    "average_order_value",
    "Gross less discounts of the orders that count, over their number; undefined without any.",
    "money",
)
DELIVERED = Column("delivered_order_count", "Orders with a known time of delivery.", "count")
DELIVERY_DAYS = Column("average_delivery_days", "From order to delivery, on average.", "days")
PROMISED = Column("promised_order_count", "Orders delivered of which the promised date is known.", "count")
ON_TIME = Column("on_time_rate", "Deliveries on the promised date or before it, of those promised.", "share")
REVIEWED = Column("reviewed_order_count", "Orders with a review.", "count")
SCORE = Column("average_review_score", "Mean score of the reviewed orders, 1 to 5.", "number")
CATEGORY = Column("category", "Category of the product; (none) where none is stated.", "text")
DEVICE = Column("device", "First device stated in the session; (unknown) where none is.", "text")
CHANNEL = Column("channel", "First marketing channel stated in the session; (unknown) where none is.", "text")
