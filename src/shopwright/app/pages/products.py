"""Products and categories: views and sales."""

from __future__ import annotations

import streamlit as st

from shopwright.app import components, report_charts

components.page_header(
    "Products and categories", "Which products and categories sell, and which are only viewed?"
)
left, right = st.columns(2)
with left:
    components.report_tile("category_sales", report_charts.ranking("category", "net_amount"))
with right:
    components.report_tile(
        "category_sales_by_month", report_charts.stack("order_month", "category", "net_amount")
    )
components.report_tile("top_products")
components.report_tile(
    "funnel_by_category",
    report_charts.bars_and_line("category", "view_session_count", "view_to_purchase_rate", max_rows=20),
)
components.report_tile("product_interest")
