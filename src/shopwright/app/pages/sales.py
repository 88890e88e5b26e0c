"""Sales performance: orders, destinations, delivery and reviews."""

from __future__ import annotations

import streamlit as st

from shopwright.app import components, report_charts

components.page_header(
    "Sales performance",
    "What is sold, when and where, and is it delivered on time?",
    requires="sales_summary",
)
components.metric_row(
    "sales_summary", "net_amount", "gross_amount", "discount_amount", "return_amount", "unit_count"
)
components.metric_row(
    "sales_summary",
    "order_count",
    "cancellation_rate",
    "average_order_value",
    "on_time_rate",
    "average_review_score",
)
components.report_tile(
    "sales_by_day", report_charts.bars_and_line("order_date", "net_amount", "average_order_value")
)
left, right = st.columns(2)
with left:
    components.report_tile("sales_by_month", report_charts.bars("order_month", "net_amount", "return_amount"))
    components.report_tile("sales_by_place", report_charts.place_ranking("country", "region", "net_amount"))
with right:
    components.report_tile("orders_by_status", report_charts.ranking("status", "order_count"))
    components.report_tile(
        "delivery_by_month",
        report_charts.bars_and_line("order_month", "average_delivery_days", "on_time_rate"),
    )
    components.report_tile(
        "reviews_by_month",
        report_charts.bars_and_line("order_month", "reviewed_order_count", "average_review_score"),
    )
