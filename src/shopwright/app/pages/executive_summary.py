"""Executive summary: the shop on one page."""

from __future__ import annotations

import streamlit as st

from shopwright.app import components, report_charts

components.page_header(
    "Executive summary", "How is the shop doing? Sales, sessions and drop-off on one page."
)
components.metric_row(
    "sales_summary", "net_amount", "order_count", "customer_count", "average_order_value", "return_rate"
)
has_sessions = components.has_data("session_summary")
if has_sessions:
    components.metric_row(
        "session_summary", "session_count", "session_conversion_rate", "cart_rate", "cart_abandonment_rate"
    )
    components.metric_row(
        "engagement_latest",
        "daily_active_users",
        "weekly_active_users",
        "monthly_active_users",
        "stickiness_rate",
    )
left, right = st.columns(2)
with left:
    components.report_tile("sales_by_day", report_charts.lines("order_date", "net_amount"))
    components.report_tile("category_sales", report_charts.ranking("category", "net_amount", max_rows=10))
with right:
    if has_sessions:
        components.report_tile(
            "sessions_by_day",
            report_charts.bars_and_line("session_date", "session_count", "session_conversion_rate"),
        )
        components.report_tile("funnel", report_charts.funnel("step", "session_count"))
    else:
        components.report_tile(
            "sales_by_month", report_charts.bars_and_line("order_month", "net_amount", "average_order_value")
        )
        components.report_tile("order_frequency", report_charts.bars("orders", "customer_count"))
