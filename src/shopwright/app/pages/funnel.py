"""Funnel and drop-off: where visitors leave on the way to a purchase."""

from __future__ import annotations

import streamlit as st

from shopwright.app import report_charts, tiles

tiles.page("Funnel and drop-off", "Where do visitors leave on the way to a purchase?", over="funnel")
left, right = st.columns(2)
with left:
    tiles.tile("funnel", report_charts.steps("step", "session_count"))
with right:
    tiles.tile("funnel", report_charts.bars("step", "drop_off_rate"), title="Drop-off at each step")
tiles.tile(
    "funnel_by_day",
    report_charts.lines(
        "session_date", "view_to_cart_rate", "cart_to_purchase_rate", "view_to_purchase_rate"
    ),
)
left, right = st.columns(2)
with left:
    tiles.tile("funnel_by_device", report_charts.bars("device", "view_to_cart_rate", "cart_to_purchase_rate"))
with right:
    tiles.tile(
        "funnel_by_channel", report_charts.bars("channel", "view_to_cart_rate", "cart_to_purchase_rate")
    )
tiles.tile(
    "funnel_by_category",
    report_charts.bars_and_line("category", "view_session_count", "view_to_cart_rate", at_most=20),
)
