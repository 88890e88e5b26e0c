"""Products and categories: what is looked at, and what is sold."""

from __future__ import annotations

import streamlit as st

from shopwright.app import report_charts, tiles

tiles.page("Products and categories", "Which products and categories earn, and which are only looked at?")
left, right = st.columns(2)
with left:
    tiles.tile("category_sales", report_charts.ranking("category", "net_amount"))
with right:
    tiles.tile("category_sales_by_month", report_charts.stack("order_month", "category", "net_amount"))
tiles.tile("top_products")
tiles.tile(
    "funnel_by_category",
    report_charts.bars_and_line("category", "view_session_count", "view_to_purchase_rate", at_most=20),
)
tiles.tile("product_interest")
