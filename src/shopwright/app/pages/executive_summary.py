"""Executive summary: the shop on one page."""

from __future__ import annotations

import streamlit as st

from shopwright.app import report_charts, tiles

tiles.page("Executive summary", "How is the shop doing? Sales, visits and where visitors leave, on one page.")
tiles.figures(
    "sales_summary", "net_amount", "order_count", "customer_count", "average_order_value", "return_rate"
)
visited = tiles.is_known("visits_summary")
if visited:
    tiles.figures("visits_summary", "session_count", "conversion_rate", "cart_rate", "abandonment_rate")
    tiles.figures(
        "engagement_latest",
        "daily_active_users",
        "weekly_active_users",
        "monthly_active_users",
        "stickiness_rate",
    )
left, right = st.columns(2)
with left:
    tiles.tile("sales_by_day", report_charts.lines("order_date", "net_amount"))
    tiles.tile("category_sales", report_charts.ranking("category", "net_amount", at_most=10))
with right:
    if visited:
        tiles.tile(
            "sessions_by_day", report_charts.bars_and_line("session_date", "session_count", "conversion_rate")
        )
        tiles.tile("funnel", report_charts.steps("step", "session_count"))
    else:
        tiles.tile(
            "sales_by_month", report_charts.bars_and_line("order_month", "net_amount", "average_order_value")
        )
        tiles.tile("order_frequency", report_charts.bars("orders", "customer_count"))
