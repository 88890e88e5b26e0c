"""Reports on orders: how many, of what value, where to, how they arrive and how they please."""

from __future__ import annotations

from shopwright.reports.columns import (
    AVERAGE_ORDER,
    CANCELED,
    CUSTOMERS,
    DELIVERED,
    DELIVERY_DAYS,
    DISCOUNTS,
    GROSS,
    NET,
    ON_TIME,
    ORDERS,
    PROMISED,
    RETURNS,
    REVIEWED,
    SCORE,
    UNITS,
)
from shopwright.reports.model import OF_ORDERS, Column, Report, Scope
from shopwright.reports.periods import filled

_ORDERS = Scope(
    day="order_date",
    device="coalesce(device, '(unknown)')",
    channel="coalesce(channel, '(unknown)')",
    group="experiment_group",
    user="customer_id",
    of_visit=True,
)
_ENTITIES = OF_ORDERS
_PLACED = "(has_sale or line_count = 0)"
"""What is an order: one without lines is, one whose lines sell nothing is a credit note or a write-off."""
_MEANING = (
    "Orders count on the date they were placed, in the shop's zone; where the shop states none they come from purchase"
    " events (a session that buys is never taken for a bot's). An order counts if it has a sale and was not canceled; net leaves canceled ones out."
    " Orders that a shop states know no device, channel or group of its own scheme. Narrowed to a variant, all that its"
    " users did counts, before exposure too."
)
_MONTH = Column("order_month", "First day of the month of the order.", "date")
_AMOUNTS = "sum(gross_amount), sum(discount_amount), sum(return_amount), sum(net_amount)"
_AVERAGE = "sum(order_value_amount)::double / nullif(count(order_value_amount), 0)"
_CUSTOMERS = "count(distinct customer_id) filter (where is_counted)"

_SUMMARY = Report(
    "sales_summary",
    "Sales",
    f"All orders of the period in one row. {_MEANING}",
    needs=("fct_orders",),
    columns=(
        NET,
        ORDERS,
        CUSTOMERS,
        AVERAGE_ORDER,
        GROSS,
        CANCELED,
        Column("cancellation_rate", "Canceled orders, of all orders.", "share"),
        DISCOUNTS,
        RETURNS,
        Column("return_rate", "Value of what came back, of gross; undefined without sales.", "share"),
        UNITS,
        ON_TIME,
        SCORE,
    ),
    sql=f"""
        select
            coalesce(sum(net_amount), 0),
            count(*) filter (where {_PLACED}),
            {_CUSTOMERS},
            {_AVERAGE},
            coalesce(sum(gross_amount), 0),
            count(*) filter (where is_canceled and {_PLACED}),
            count(*) filter (where is_canceled and {_PLACED}) / nullif(count(*) filter (where {_PLACED}), 0),
            coalesce(sum(discount_amount), 0),
            coalesce(sum(return_amount), 0),
            sum(return_amount)::double / nullif(sum(gross_amount), 0),
            coalesce(sum(unit_count), 0)::bigint,
            count(*) filter (where is_on_time) / nullif(count(is_on_time), 0),
            avg(review_score)
        from gold.fct_orders
        where {{orders}}
    """,
    scopes={"orders": _ORDERS},
    entities=_ENTITIES,
)


def _by(
    name: str, title: str, *columns: Column, expression: str, order: str, step: str = "", told_too: str = ""
) -> Report:
    every = (*columns, ORDERS, CANCELED, CUSTOMERS, GROSS, DISCOUNTS, RETURNS, NET, AVERAGE_ORDER)
    grouped = f"""
            select
                {expression},
                count(*) filter (where {_PLACED}) as order_count,
                count(*) filter (where is_canceled and {_PLACED}),
                {_CUSTOMERS},
                {_AMOUNTS},
                {_AVERAGE}
            from gold.fct_orders
            where {{orders}}
            group by {", ".join(str(place) for place in range(1, len(columns) + 1))}
        """
    told = " and ".join(column.name.replace("_", " ") for column in columns)
    return Report(
        name,
        title,
        f"Orders by {told}. {told_too}{_MEANING}",
        needs=("fct_orders",),
        columns=every,
        sql=filled(grouped, every, step, every[1:-1]) if step else f"{grouped} order by {order}",
        scopes={"orders": _ORDERS},
        entities=_ENTITIES,
    )


_BY_DAY = _by(
    "sales_by_day", "Sales by day", Column("order_date", "Date of the order.", "date"),
    expression="order_date", order="order_date", step="1 day",
    told_too="A date without orders between the first and the last counts 0. ",
)  # fmt: skip
_BY_MONTH = _by(
    "sales_by_month", "Sales by month", _MONTH,
    expression="date_trunc('month', order_date)::date", order="1", step="1 month",
    told_too="A month without orders between the first and the last counts 0. ",
)  # fmt: skip
_BY_PLACE = _by(
    "sales_by_place",
    "Sales by place",
    Column("country", "Ship-to country, or the session's; (unknown) where none is stated.", "text"),
    Column("region", "Ship-to state or region; (unknown) where none is stated.", "text"),
    expression="country, region",
    order="sum(net_amount) desc, country, region limit 100",
    told_too="The 100 places with the most net; the others are left out. ",
)
_BY_STATUS = _by(
    "orders_by_status", "Orders by status", Column("status", "Latest status; (unknown) where none is.", "text"),
    expression="coalesce(status, '(unknown)')", order="order_count desc, 1",
)  # fmt: skip

_NO_MONTH = "A month without any between the first and the last counts 0."

_DELIVERY_COLUMNS = (
    _MONTH,
    DELIVERED,
    DELIVERY_DAYS,
    PROMISED,
    ON_TIME,
    Column("average_late_days", "How late the late ones are, on average.", "days"),
)
_DELIVERY = Report(
    "delivery_by_month",
    "Delivery by month of order",
    "Orders by the month in which they were placed: how long they take and whether they come when promised. An order is"
    f" late after the promised date, in the shop's zone; canceled orders count if they were delivered. {_NO_MONTH}",
    needs=("fct_orders",),
    columns=_DELIVERY_COLUMNS,
    sql=filled(
        """
        select
            date_trunc('month', order_date)::date,
            count(delivered_at),
            avg(delivery_days)::double,
            count(is_on_time),
            count(*) filter (where is_on_time) / nullif(count(is_on_time), 0),
            avg(days_late) filter (where days_late > 0)
        from gold.fct_orders
        where delivered_at is not null and {orders}
        group by 1
        """,
        _DELIVERY_COLUMNS,
        "1 month",
        (DELIVERED, PROMISED),
    ),
    scopes={"orders": _ORDERS},
    kind="delivered_at is not null",
    lacks="no order states when it was delivered",
    entities=("orders",),
)

_REVIEWS_COLUMNS = (
    _MONTH,
    REVIEWED,
    SCORE,
    Column("bad_review_rate", "Orders with a score of 2 or less, of those reviewed.", "share"),
)
_REVIEWS = Report(
    "reviews_by_month",
    "Reviews by month of order",
    "Orders with a review, by the month in which they were placed; several reviews of an order count as their mean."
    f" {_NO_MONTH}",
    needs=("fct_orders",),
    columns=_REVIEWS_COLUMNS,
    sql=filled(
        """
        select
            date_trunc('month', order_date)::date,
            count(review_score),
            avg(review_score),
            count(*) filter (where review_score <= 2) / nullif(count(review_score), 0)
        from gold.fct_orders
        where review_score is not null and {orders}
        group by 1
        """,
        _REVIEWS_COLUMNS,
        "1 month",
        (REVIEWED,),
    ),
    scopes={"orders": _ORDERS},
    kind="review_score is not null",
    lacks="no order has a review",
    entities=("reviews",),
)

SALES = (_SUMMARY, _BY_DAY, _BY_MONTH, _BY_PLACE, _BY_STATUS, _DELIVERY, _REVIEWS)
