"""Reports on orders: number, value, destination, delivery and reviews."""

from __future__ import annotations

from shopwright.reports.columns import (
    AVERAGE_DELIVERY_DAYS,
    AVERAGE_ORDER_VALUE,
    AVERAGE_REVIEW_SCORE,
    CANCELED_ORDER_COUNT,
    CUSTOMER_COUNT,
    DELIVERED_ORDER_COUNT,
    DISCOUNT_AMOUNT,
    GROSS_AMOUNT,
    NET_AMOUNT,
    ON_TIME_RATE,
    ORDER_COUNT,
    PROMISED_ORDER_COUNT,
    RETURN_AMOUNT,
    REVIEWED_ORDER_COUNT,
    UNIT_COUNT,
)
from shopwright.reports.periods import fill_periods
from shopwright.reports.report import ORDER_ENTITIES, Column, FilterColumns, Report

_ORDER_FILTERS = FilterColumns(
    day="order_date",
    device="coalesce(device, '(unknown)')",
    channel="coalesce(channel, '(unknown)')",
    group="experiment_group",
    user="customer_id",
    is_of_session=True,
)
_IS_ORDER = "(has_sale or line_count = 0)"
"""Condition for an order: one without lines counts, one whose lines sell nothing is a credit note or a write-off."""
_ORDER_RULE = (
    "Orders count on the date they were placed, in the shop's time zone. Where the shop states no orders, they are derived from"
    " purchase events (a session with a purchase is never taken for a bot's). An order is counted if it has a sale and was not"
    " canceled; net sales exclude canceled orders. Orders that come as records have no device, channel or experiment"
    " group. Filtered to a variant, everything its users did counts, also before exposure."
    " What no source can state (cancellations, discounts and returns of derived orders) is undefined, and so are the amounts"
    " of an order with a line of unknown price or exchange rate, which is in no total."
)
_MONTH = Column("order_month", "First day of the month of the order.", "date")
_IS_STATED = "(count(*) = 0 or count(session_key) < count(*))"
"""Condition over orders: they come from a source, which can state cancellations; orders from purchase events cannot."""
_AMOUNTS = """
                sum(gross_amount) as gross_amount,
                sum(discount_amount) as discount_amount,
                sum(return_amount) as return_amount,
                sum(net_amount) as net_amount"""
_AVERAGE = "sum(order_value_amount)::double / nullif(count(order_value_amount), 0)"
_CANCELED = f"case when {_IS_STATED} then count(*) filter (where is_canceled and {_IS_ORDER}) end"
_CUSTOMERS = "count(distinct customer_id) filter (where is_counted)"


def _total(name: str) -> str:
    """Return SQL of the sum of an amount: 0 over no orders, undefined over orders that all lack it."""
    return f"case when count(*) = 0 then 0 else sum({name}) end as {name}"


_SUMMARY = Report(
    "sales_summary",
    "Sales",
    f"All orders of the period in one row. {_ORDER_RULE}",
    requires=("fct_orders",),
    columns=(
        NET_AMOUNT,
        ORDER_COUNT,
        CUSTOMER_COUNT,
        AVERAGE_ORDER_VALUE,
        GROSS_AMOUNT,
        CANCELED_ORDER_COUNT,
        Column(
            "cancellation_rate",
            "Share of orders that were canceled; undefined where purchase events are the only orders.",
            "share",
            stated_by="orders",
        ),
        DISCOUNT_AMOUNT,
        RETURN_AMOUNT,
        Column(
            "return_rate",
            "Value of returns as a share of gross sales; undefined without sales, or where purchase events are the only"
            " orders.",
            "share",
            stated_by="orders",
        ),
        UNIT_COUNT,
        ON_TIME_RATE,
        AVERAGE_REVIEW_SCORE,
        Column(
            "unknown_order_count",
            "Orders of unknown value: a line has no price, or no rate of exchange on its day.",
            "count",
        ),
    ),
    sql=f"""
        select
            {_total("net_amount")},
            count(*) filter (where {_IS_ORDER}) as order_count,
            {_CUSTOMERS} as customer_count,
            {_AVERAGE} as average_order_value,
            {_total("gross_amount")},
            {_CANCELED} as canceled_order_count,
            {_CANCELED} / nullif(count(*) filter (where {_IS_ORDER}), 0) as cancellation_rate,
            {_total("discount_amount")},
            {_total("return_amount")},
            sum(return_amount)::double / nullif(sum(gross_amount), 0) as return_rate,
            coalesce(sum(unit_count), 0) as unit_count,
            count(*) filter (where is_on_time) / nullif(count(is_on_time), 0) as on_time_rate,
            avg(review_score) as average_review_score,
            count(*) filter (where total_amount is null and {_IS_ORDER}) as unknown_order_count
        from gold.fct_orders
        where {{orders}}
    """,
    filter_columns={"orders": _ORDER_FILTERS},
    entities=ORDER_ENTITIES,
)


def _by(
    name: str, title: str, *columns: Column, expressions: str, order: str, step: str = "", note: str = ""
) -> Report:
    """Return a report on orders by one or two columns, of which ``expressions`` are the SQL with their names."""
    all_columns = (
        *columns, ORDER_COUNT, CANCELED_ORDER_COUNT, CUSTOMER_COUNT,
        GROSS_AMOUNT, DISCOUNT_AMOUNT, RETURN_AMOUNT, NET_AMOUNT, AVERAGE_ORDER_VALUE,
    )  # fmt: skip
    query = f"""
            select
                {expressions},
                count(*) filter (where {_IS_ORDER}) as order_count,
                {_CANCELED} as canceled_order_count,
                {_CUSTOMERS} as customer_count,{_AMOUNTS},
                {_AVERAGE} as average_order_value
            from gold.fct_orders
            where {{orders}}
            group by {", ".join(str(position) for position in range(1, len(columns) + 1))}
        """
    names = " and ".join(column.name.replace("_", " ") for column in columns)
    return Report(
        name,
        title,
        f"Orders by {names}. {note}{_ORDER_RULE}",
        requires=("fct_orders",),
        columns=all_columns,
        sql=fill_periods(query, all_columns, step, all_columns[1:-1])
        if step
        else f"{query} order by {order}",
        filter_columns={"orders": _ORDER_FILTERS},
        entities=ORDER_ENTITIES,
    )


_BY_DAY = _by(
    "sales_by_day", "Sales by day", Column("order_date", "Date of the order.", "date"),
    expressions="order_date", order="order_date", step="1 day",
    note="A date without orders, between the first and the last, counts as 0. ",
)  # fmt: skip
_BY_MONTH = _by(
    "sales_by_month", "Sales by month", _MONTH,
    expressions="date_trunc('month', order_date)::date as order_month", order="1", step="1 month",
    note="A month without orders, between the first and the last, counts as 0. ",
)  # fmt: skip
_BY_PLACE = _by(
    "sales_by_place",
    "Sales by country and region",
    Column("country", "Country of delivery, or of the session; (unknown) where none is stated.", "text"),
    Column("region", "State or region of delivery; (unknown) where none is stated.", "text"),
    expressions="country, region",
    order="net_amount desc, country, region limit 100",
    note="The 100 places with the highest net sales. ",
)
_BY_STATUS = _by(
    "orders_by_status", "Orders by status", Column("status", "Latest status; (unknown) where none is stated.", "text"),
    expressions="coalesce(status, '(unknown)') as status", order="order_count desc, 1",
)  # fmt: skip

_NO_MONTH = "A month without any, between the first and the last, counts as 0."

_DELIVERY_COLUMNS = (
    _MONTH,
    DELIVERED_ORDER_COUNT,
    AVERAGE_DELIVERY_DAYS,
    PROMISED_ORDER_COUNT,
    ON_TIME_RATE,
    Column("average_late_days", "Mean delay of late deliveries.", "days"),
)
_DELIVERY = Report(
    "delivery_by_month",
    "Delivery by order month",
    "Delivery times and delays of orders, by the month in which they were placed. An order is late after the promised date,"
    f" in the shop's time zone; canceled orders count if they were delivered. {_NO_MONTH}",
    requires=("fct_orders",),
    columns=_DELIVERY_COLUMNS,
    sql=fill_periods(
        """
        select
            date_trunc('month', order_date)::date as order_month,
            count(delivered_at) as delivered_order_count,
            avg(delivery_days)::double as average_delivery_days,
            count(is_on_time) as promised_order_count,
            count(*) filter (where is_on_time) / nullif(count(is_on_time), 0) as on_time_rate,
            avg(days_late) filter (where days_late > 0) as average_late_days
        from gold.fct_orders
        where delivered_at is not null and {orders}
        group by 1
        """,
        _DELIVERY_COLUMNS,
        "1 month",
        (DELIVERED_ORDER_COUNT, PROMISED_ORDER_COUNT),
    ),
    filter_columns={"orders": _ORDER_FILTERS},
    row_condition="delivered_at is not null",
    no_rows_reason="no order states when it was delivered",
    entities=("orders",),
)

_REVIEWS_COLUMNS = (
    _MONTH,
    REVIEWED_ORDER_COUNT,
    AVERAGE_REVIEW_SCORE,
    Column("bad_review_rate", "Share of reviewed orders with a score of 2 or less.", "share"),
)
_REVIEWS = Report(
    "reviews_by_month",
    "Reviews by order month",
    "Reviewed orders, by the month in which they were placed; several reviews of an order count as their mean."
    f" {_NO_MONTH}",
    requires=("fct_orders",),
    columns=_REVIEWS_COLUMNS,
    sql=fill_periods(
        """
        select
            date_trunc('month', order_date)::date as order_month,
            count(review_score) as reviewed_order_count,
            avg(review_score) as average_review_score,
            count(*) filter (where review_score <= 2) / nullif(count(review_score), 0) as bad_review_rate
        from gold.fct_orders
        where review_score is not null and {orders}
        group by 1
        """,
        _REVIEWS_COLUMNS,
        "1 month",
        (REVIEWED_ORDER_COUNT,),
    ),
    filter_columns={"orders": _ORDER_FILTERS},
    row_condition="review_score is not null",
    no_rows_reason="no order has a review",
    entities=("reviews",),
)

SALES_REPORTS = (_SUMMARY, _BY_DAY, _BY_MONTH, _BY_PLACE, _BY_STATUS, _DELIVERY, _REVIEWS)
