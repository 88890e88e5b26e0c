"""Session behavior: duration, time of day, and time to purchase."""

from __future__ import annotations

import streamlit as st

from shopwright.app import components, report_charts

components.page_header(
    "Session behavior",
    "How long do sessions last, when do they start, and how fast do they lead to a purchase?",
    requires="behavior_summary",
)
components.metric_row("behavior_summary")
left, right = st.columns(2)
with left:
    components.report_tile("session_duration", report_charts.bars("duration", "session_count"))
with right:
    components.report_tile(
        "time_to_purchase", report_charts.bars_and_line("duration", "session_count", "cumulative_share")
    )
components.report_tile("sessions_by_hour", report_charts.grid("hour", "weekday", "session_count"))
components.report_tile(
    "sessions_by_hour",
    report_charts.grid("hour", "weekday", "session_conversion_rate"),
    title="Conversion by hour and weekday",
)
