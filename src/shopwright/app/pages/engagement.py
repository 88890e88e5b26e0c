"""Engagement: how many visitors come, and how often."""

from __future__ import annotations

import streamlit as st

from shopwright.app import report_charts, tiles

tiles.page(
    "Engagement", "How many visitors come in a day, a week, a month, and how often?", over="engagement"
)
tiles.figures(
    "engagement_latest",
    "activity_date",
    "daily_active_users",
    "weekly_active_users",
    "monthly_active_users",
    "stickiness_rate",
)
tiles.tile(
    "engagement",
    report_charts.lines("activity_date", "daily_active_users", "weekly_active_users", "monthly_active_users"),
)
tiles.tile(
    "engagement", report_charts.lines("activity_date", "stickiness_rate"), title="Stickiness (DAU over MAU)"
)
tiles.tile(
    "engagement",
    report_charts.bars("activity_date", "new_users", "returning_users", stacked=True),
    title="New and returning users",
)
left, right = st.columns(2)
with left:
    tiles.tile("sessions_by_channel", report_charts.ranking("channel", "session_count"))
with right:
    tiles.tile("sessions_by_device", report_charts.ranking("device", "session_count"))
