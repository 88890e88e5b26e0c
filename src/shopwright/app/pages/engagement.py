"""Engagement: how many users are active, and how often."""

from __future__ import annotations

import streamlit as st

from shopwright.app import components, report_charts

components.page_header(
    "Engagement",
    "How many users are active per day, week and month, and how often do they return?",
    requires="engagement",
)
components.metric_row(
    "engagement_latest",
    "activity_date",
    "daily_active_users",
    "weekly_active_users",
    "monthly_active_users",
    "stickiness_rate",
)
components.report_tile(
    "engagement",
    report_charts.lines("activity_date", "daily_active_users", "weekly_active_users", "monthly_active_users"),
)
components.report_tile(
    "engagement", report_charts.lines("activity_date", "stickiness_rate"), title="Stickiness (DAU over MAU)"
)
components.report_tile(
    "engagement",
    report_charts.bars("activity_date", "new_users", "returning_users", stacked=True),
    title="New and returning users",
)
left, right = st.columns(2)
with left:
    components.report_tile("sessions_by_channel", report_charts.ranking("channel", "session_count"))
with right:
    components.report_tile("sessions_by_device", report_charts.ranking("device", "session_count"))
