"""Reports on what is looked at and sold."""

from __future__ import annotations

from shopwright.reports.columns import CATEGORY, DISCOUNTS, GROSS, NET, RETURNS, UNITS
from shopwright.reports.model import OF_ORDERS, Column, Report, Scope

_BOOKED = (
    "Lines count on their own date where one is stated, else on the order's, in the shop's zone, so that a return counts"
    " when it came back; gross holds canceled orders, net does not."
)
_CELLS = Scope(day="order_date", category="category")
_LINES = Scope(day="booked_date", category="category")
_ENTITIES = OF_ORDERS
_ID = Column("product_id", "The product, as the source names it.", "text")
_NAME = Column("product_name", "Its name; undefined where none is stated.", "text")

_CATEGORIES = Report(
    "category_sales",
    "Sales by category",
    f"What was sold of each category. {_BOOKED}",
    needs=("fct_revenue",),
    columns=(
        CATEGORY,
        UNITS,
        GROSS,
        DISCOUNTS,
        RETURNS,
        NET,
        Column(
            "net_share",
            "Its net, of that of all categories shown; undefined where that is not positive.",
            "share",
        ),
    ),
    sql="""
        select
            category,
            sum(unit_count)::bigint,
            sum(gross_amount),
            sum(discount_amount),
            sum(return_amount),
            sum(net_amount) as net,
            case when sum(sum(net_amount)) over () > 0 then net::double / sum(sum(net_amount)) over () end
        from gold.fct_revenue
        where {cells}
        group by category
        order by net desc, category
    """,
    scopes={"cells": _CELLS},
    entities=_ENTITIES,
)

_CATEGORY_MONTHS = Report(
    "category_sales_by_month",
    "Net by category and month",
    f"The six categories with the most net in the period, month by month. {_BOOKED}",
    needs=("fct_revenue",),
    columns=(Column("order_month", "First day of the month.", "date"), CATEGORY, UNITS, NET),
    sql="""
        with

        cells as (
            select * from gold.fct_revenue
            where {cells}
        ),

        largest as (
            select category, sum(net_amount) as category_net
            from cells
            group by category
            order by category_net desc, category
            limit 6
        )

        select
            date_trunc('month', cells.order_date)::date as order_month,
            cells.category,
            sum(cells.unit_count)::bigint,
            sum(cells.net_amount)
        from cells
        inner join largest on cells.category = largest.category
        group by order_month, cells.category, largest.category_net
        order by order_month, largest.category_net desc, cells.category
    """,
    scopes={"cells": _CELLS},
    entities=_ENTITIES,
)

_TOP = Report(
    "top_products",
    "Products by net",
    f"The 50 products that brought most in the period. {_BOOKED} Lines that name no product are left out.",
    needs=("fct_order_items",),
    columns=(_ID, _NAME, CATEGORY, UNITS, GROSS, RETURNS, NET),
    sql="""
        with

        top as (
            select
                product_id,
                coalesce(sum(unit_count) filter (where kind = 'sale'), 0)::bigint as unit_count,
                sum(gross_amount) as gross_amount,
                sum(return_amount) as return_amount,
                sum(net_amount) as net_amount
            from gold.fct_order_items
            where product_id is not null and {lines}
            group by product_id
            order by net_amount desc, product_id
            limit 50
        ),

        names as (
            select product_id, min(product_name) as product_name, min(category) as category
            from gold.fct_order_items
            where product_id in (select product_id from top) and {lines}
            group by product_id
        )

        select
            top.product_id, names.product_name, names.category, top.unit_count, top.gross_amount, top.return_amount,
            top.net_amount
        from top
        inner join names on top.product_id = names.product_id
        order by top.net_amount desc, top.product_id
    """,
    scopes={"lines": _LINES},
    entities=_ENTITIES,
)

_INTEREST = Report(
    "product_interest",
    "Products by views",
    "The 50 products viewed most, over all time: events of people and bots alike, as the catalog of gold counts them. One"
    " cart may follow several views, so a rate is of events and may exceed 1.",
    needs=("dim_products",),
    columns=(
        _ID,
        _NAME,
        CATEGORY,
        Column("product_view_count", "Views, as events.", "count"),
        Column("add_to_cart_count", "Times put in the cart, as events.", "count"),
        Column("purchase_count", "Purchase events.", "count"),
        Column("carts_per_view", "Times put in the cart over views.", "number"),
    ),
    sql="""
        select
            product_id,
            product_name,
            coalesce(category, '(none)'),
            product_view_count,
            add_to_cart_count,
            purchase_count,
            add_to_cart_count / nullif(product_view_count, 0)
        from gold.dim_products
        where product_view_count > 0 and {products}
        order by product_view_count desc, product_id
        limit 50
    """,
    scopes={"products": Scope(category="coalesce(category, '(none)')")},
    kind="product_view_count > 0",
    lacks="it holds no clicks, so nobody is known to have viewed a product",
    entities=("events",),
)

PRODUCTS = (_CATEGORIES, _CATEGORY_MONTHS, _TOP, _INTEREST)
