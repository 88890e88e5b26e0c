"""The gold questions of the storage benchmark, each asked twice: of the star tables and of nested orders.

Star tables: ``orders`` (fct_orders), ``order_items`` (fct_order_items), ``payments`` (stg_payments).
Nested orders: ``orders_nested`` (int_orders_nested). Both ways must answer alike, so every answer has a total order
and no mean of floats in it. Columns are named one by one: what a query names is what it needs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One question in two forms of SQL; ``$order_id`` in them stands for the one order that is asked for."""

    name: str
    star: str
    nested: str

    @property
    def is_of_one_order(self) -> bool:
        """Whether it looks up one order instead of reading all."""
        return "$order_id" in self.star


def _of_orders(name: str, query: str) -> Question:
    """A question on facts of whole orders, which either side holds in one row per order."""
    return Question(name, query.replace("$orders", "orders"), query.replace("$orders", "orders_nested"))


QUESTIONS = (
    Question(
        "revenue by month and category",
        star="""
            select date_trunc('month', booked_date) as month, category, sum(net_amount), sum(freight_amount)
            from order_items
            group by all
            order by all
        """,
        nested="""
            with lines as (select order_date, unnest(items) as item from orders_nested)
            select
                date_trunc('month', order_date) as month,
                item.category as category,
                sum(item.net_amount),
                sum(item.freight_amount)
            from lines
            group by all
            order by all
        """,
    ),
    Question(
        "seller performance",
        star="""
            with shares as (
                select seller_id, order_key, sum(net_amount) as net_amount
                from order_items
                where seller_id is not null
                group by all
            )
            select
                shares.seller_id,
                count(*),
                sum(shares.net_amount),
                count(*) filter (orders.is_canceled),
                count(*) filter (orders.is_on_time),
                sum(orders.handling_days),
                avg(orders.review_score)
            from shares
            inner join orders on shares.order_key = orders.order_key
            group by all
            order by all
        """,
        nested="""
            with shares as (
                select is_canceled, is_on_time, handling_days, review_score, unnest(sellers) as seller
                from orders_nested
            )
            select
                seller.seller_id as seller_id,
                count(*),
                sum(seller.net_amount),
                count(*) filter (is_canceled),
                count(*) filter (is_on_time),
                sum(handling_days),
                avg(review_score)
            from shares
            group by all
            order by all
        """,
    ),
    Question(
        "payment behaviour",
        star="""
            select
                payments.method,
                payments.installments,
                count(*),
                sum(payments.amount),
                count(*) filter (orders.is_canceled),
                avg(orders.review_score)
            from payments
            inner join orders on payments.order_id = orders.order_id
            group by all
            order by all
        """,
        nested="""
            with paid as (select is_canceled, review_score, unnest(payments) as payment from orders_nested)
            select
                payment.method as method,
                payment.installments as installments,
                count(*),
                sum(payment.amount),
                count(*) filter (is_canceled),
                avg(review_score)
            from paid
            group by all
            order by all
        """,
    ),
    _of_orders(
        "cohort retention",
        """
            with months as materialized (
                select
                    customer_id,
                    date_trunc('month', order_date) as month,
                    sum(order_value_amount) as order_value_amount
                from $orders
                where is_counted
                group by all
            ),
            cohorts as (
                select *, min(month) over (partition by customer_id) as cohort from months
            )
            select cohort, month, count(*), sum(order_value_amount)
            from cohorts
            group by all
            order by all
        """,
    ),
    _of_orders(
        "customer value, the best hundred",
        """
            select customer_id, count(*), min(ordered_at), max(ordered_at), sum(net_amount) as net_amount
            from $orders
            where is_counted
            group by all
            order by net_amount desc, customer_id
            limit 100
        """,
    ),
    _of_orders(
        "delivery by state",
        """
            select region, count(delivered_at), count(*) filter (is_on_time), sum(days_late), sum(handling_days)
            from $orders
            group by all
            order by all
        """,
    ),
    _of_orders(
        "review score of late orders",
        """
            select least(greatest(days_late, -1), 30) as days, count(*), avg(review_score)
            from $orders
            where days_late is not null
            group by all
            order by all
        """,
    ),
    Question(
        "basket size",
        star="""
            select line_count, count(*), sum(order_value_amount)
            from orders
            where is_counted
            group by all
            order by all
        """,
        nested="""
            select len(items) as line_count, count(*), sum(order_value_amount)
            from orders_nested
            where is_counted
            group by all
            order by all
        """,
    ),
    Question(
        "categories bought together",
        star="""
            with baskets as (select distinct order_key, category from order_items)
            select one.category as one, other.category as other, count(*)
            from baskets as one
            inner join baskets as other on one.order_key = other.order_key and one.category < other.category
            group by all
            order by all
        """,
        nested="""
            with baskets as (
                select list_distinct(list_transform(items, lambda item: item.category)) as categories
                from orders_nested
            ),
            ones as (select categories, unnest(categories) as one from baskets where len(categories) > 1),
            pairs as (select one, unnest(categories) as other from ones)
            select one, other, count(*)
            from pairs
            where one < other
            group by all
            order by all
        """,
    ),
    Question(
        "one order in detail",
        star="""
            with lines as (
                select list({
                    'product_id': product_id, 'seller_id': seller_id, 'unit_count': unit_count, 'total': total_amount
                } order by line_number) as items
                from order_items
                where order_id = $order_id
            ),
            paid as (
                select list({'method': method, 'amount': amount} order by sequence) as payments
                from payments
                where order_id = $order_id
            )
            select status, ordered_at, delivered_at, region, total_amount, items, payments
            from orders
            cross join lines
            cross join paid
            where order_id = $order_id
        """,
        nested="""
            select
                status,
                ordered_at,
                delivered_at,
                region,
                total_amount,
                list_transform(items, lambda item: {
                    'product_id': item.product_id, 'seller_id': item.seller_id,
                    'unit_count': item.unit_count, 'total': item.total_amount
                }) as items,
                list_transform(payments, lambda payment: {
                    'method': payment.method, 'amount': payment.amount
                }) as payments
            from orders_nested
            where order_id = $order_id
        """,
    ),
)
"""What the gold tables answer, one order, and lines joined to lines. Months are materialized: DuckDB would otherwise
turn the window over them into a join and read the orders twice."""
