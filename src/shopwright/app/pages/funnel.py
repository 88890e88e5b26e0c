"""Funnel and drop-off: where sessions end before a purchase."""

from __future__ import annotations

import streamlit as st

from shopwright.app import components, report_charts

components.page_header(
    "Funnel and drop-off", "Where do sessions drop off on the way to a purchase?", requires="funnel"
)
left, right = st.columns(2)
with left:
    components.report_tile("funnel", report_charts.funnel("step", "session_count"))
with right:
    components.report_tile(
        "funnel", report_charts.bars("step", "drop_off_rate"), title="Drop-off at each step"
    )
components.report_tile(
    "funnel_by_day",
    report_charts.lines(
        "session_date", "view_to_cart_rate", "cart_to_purchase_rate", "view_to_purchase_rate"
    ),
)
left, right = st.columns(2)
with left:
    components.report_tile(
        "funnel_by_device", report_charts.bars("device", "view_to_cart_rate", "cart_to_purchase_rate")
    )
with right:
    components.report_tile(
        "funnel_by_channel", report_charts.bars("channel", "view_to_cart_rate", "cart_to_purchase_rate")
    )
components.report_tile(
    "funnel_by_category",
    report_charts.bars_and_line("category", "view_session_count", "view_to_cart_rate", max_rows=20),
)
