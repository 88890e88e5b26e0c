"""Behaviour: how long visitors stay, when they come, and how fast they buy."""

from __future__ import annotations

import streamlit as st

from shopwright.app import report_charts, tiles

tiles.page(
    "Behaviour",
    "How long do visitors stay, when do they come, and how fast do they buy?",
    over="behaviour_summary",
)
tiles.figures("behaviour_summary")
left, right = st.columns(2)
with left:
    tiles.tile("session_length", report_charts.bars("span", "session_count"))
with right:
    tiles.tile("time_to_purchase", report_charts.bars_and_line("span", "session_count", "cumulative_share"))
tiles.tile("sessions_by_hour", report_charts.grid("hour", "weekday", "session_count"))
tiles.tile(
    "sessions_by_hour",
    report_charts.grid("hour", "weekday", "conversion_rate"),
    title="Conversion by hour and weekday",
)
