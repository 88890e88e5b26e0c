"""Sales performance: what was ordered, when, where to, and how it arrived."""

from __future__ import annotations

import streamlit as st

from shopwright.app import report_charts, tiles

tiles.page(
    "Sales performance", "What is sold, when and where to, and does it arrive in time?", over="sales_summary"
)
tiles.figures("sales_summary", "net_amount", "gross_amount", "discount_amount", "return_amount", "unit_count")
tiles.figures(
    "sales_summary",
    "order_count",
    "cancellation_rate",
    "average_order_value",
    "on_time_rate",
    "average_review_score",
)
tiles.tile("sales_by_day", report_charts.bars_and_line("order_date", "net_amount", "average_order_value"))
left, right = st.columns(2)
with left:
    tiles.tile("sales_by_month", report_charts.bars("order_month", "net_amount", "return_amount"))
    tiles.tile("sales_by_place", report_charts.places("country", "region", "net_amount"))
with right:
    tiles.tile("orders_by_status", report_charts.ranking("status", "order_count"))
    tiles.tile(
        "delivery_by_month",
        report_charts.bars_and_line("order_month", "average_delivery_days", "on_time_rate"),
    )
    tiles.tile(
        "reviews_by_month",
        report_charts.bars_and_line("order_month", "reviewed_order_count", "average_review_score"),
    )
