"""Reports on products and categories: views and sales."""

from __future__ import annotations

from shopwright.reports.columns import (
    CATEGORY,
    DISCOUNT_AMOUNT,
    GROSS_AMOUNT,
    NET_AMOUNT,
    RETURN_AMOUNT,
    UNIT_COUNT,
)
from shopwright.reports.report import ORDER_ENTITIES, Column, FilterColumns, Report

_BOOKING_RULE = (
    "Order lines count on their own date where one is stated, else on the order's, in the shop's time zone; a return counts on"
    " the date of the return. Gross sales include canceled orders, net sales exclude them."
)
_CELL_FILTERS = FilterColumns(day="order_date", category="category")
_LINE_FILTERS = FilterColumns(day="booked_date", category="category")
_PRODUCT_ID = Column("product_id", "Product ID of the source.", "text")
_PRODUCT_NAME = Column("product_name", "Product name; undefined where none is stated.", "text")

_CATEGORIES = Report(
    "category_sales",
    "Sales by category",
    f"Sales of each category. {_BOOKING_RULE}",
    requires=("fct_revenue",),
    columns=(
        CATEGORY,
        UNIT_COUNT,
        GROSS_AMOUNT,
        DISCOUNT_AMOUNT,
        RETURN_AMOUNT,
        NET_AMOUNT,
        Column(
            "net_share",
            "Share of the net sales of all categories shown; undefined where these are not positive.",
            "share",
        ),
    ),
    sql="""
        select
            category,
            sum(unit_count) as unit_count,
            sum(gross_amount) as gross_amount,
            sum(discount_amount) as discount_amount,
            sum(return_amount) as return_amount,
            sum(net_amount) as net_amount,
            case
                when sum(sum(net_amount)) over () > 0
                    then sum(net_amount)::double / sum(sum(net_amount)) over ()
            end as net_share
        from gold.fct_revenue
        where {cells}
        group by category
        order by net_amount desc, category
    """,
    filter_columns={"cells": _CELL_FILTERS},
    entities=ORDER_ENTITIES,
)

_CATEGORY_MONTHS = Report(
    "category_sales_by_month",
    "Net sales by category and month",
    f"The six categories with the highest net sales in the period, by month. {_BOOKING_RULE}",
    requires=("fct_revenue",),
    columns=(Column("order_month", "First day of the month.", "date"), CATEGORY, UNIT_COUNT, NET_AMOUNT),
    sql="""
        with

        cells as (
            select * from gold.fct_revenue
            where {cells}
        ),

        top_categories as (
            select category, sum(net_amount) as category_net
            from cells
            group by category
            order by category_net desc, category
            limit 6
        )

        select
            date_trunc('month', cells.order_date)::date as order_month,
            cells.category,
            sum(cells.unit_count) as unit_count,
            sum(cells.net_amount) as net_amount
        from cells
        inner join top_categories on cells.category = top_categories.category
        group by order_month, cells.category, top_categories.category_net
        order by order_month, top_categories.category_net desc, cells.category
    """,
    filter_columns={"cells": _CELL_FILTERS},
    entities=ORDER_ENTITIES,
)

_TOP = Report(
    "top_products",
    "Products by net sales",
    f"The 50 products with the highest net sales in the period. {_BOOKING_RULE} Lines without a product are excluded.",
    requires=("fct_order_items",),
    columns=(_PRODUCT_ID, _PRODUCT_NAME, CATEGORY, UNIT_COUNT, GROSS_AMOUNT, RETURN_AMOUNT, NET_AMOUNT),
    sql="""
        with

        top as (
            select
                product_id,
                coalesce(sum(unit_count) filter (where kind = 'sale'), 0) as unit_count,
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
    filter_columns={"lines": _LINE_FILTERS},
    entities=ORDER_ENTITIES,
)

_INTEREST = Report(
    "product_interest",
    "Products by views",
    "The 50 most viewed products, over all time: events of people and bots, as gold.dim_products counts them. Rates are of"
    " events, not sessions, so they may exceed 1.",
    requires=("dim_products",),
    columns=(
        _PRODUCT_ID,
        _PRODUCT_NAME,
        CATEGORY,
        Column("product_view_count", "Product view events.", "count"),
        Column("add_to_cart_count", "Add-to-cart events.", "count"),
        Column("purchase_count", "Purchase events.", "count"),
        Column("carts_per_view", "Add-to-cart events per view event.", "number", stated_by="carts"),
    ),
    sql="""
        select
            product_id,
            product_name,
            coalesce(category, '(none)') as category,
            product_view_count,
            add_to_cart_count,
            purchase_count,
            add_to_cart_count / nullif(product_view_count, 0) as carts_per_view
        from gold.dim_products
        where product_view_count > 0 and {products}
        order by product_view_count desc, product_id
        limit 50
    """,
    filter_columns={"products": FilterColumns(category="coalesce(category, '(none)')")},
    row_condition="product_view_count > 0",
    no_rows_reason="no events, so no product views. Add an events source",
    entities=("events",),
)

PRODUCT_REPORTS = (_CATEGORIES, _CATEGORY_MONTHS, _TOP, _INTEREST)
