"""Cohorts and lifetime value: who comes back, and what customers are worth."""

from __future__ import annotations

import streamlit as st

from shopwright.app import report_charts, tiles

tiles.page(
    "Cohorts and lifetime value", "Who orders again, and what are customers worth?", over="customer_summary"
)
tiles.figures(
    "customer_summary",
    "customer_count",
    "repeat_rate",
    "orders_per_customer",
    "average_value_amount",
    "median_value_amount",
)
tiles.tile(
    "cohort_retention", report_charts.grid("months_since_first", "cohort_month", "retention_rate", above=0)
)
tiles.tile(
    "cohort_retention",
    report_charts.grid("months_since_first", "cohort_month", "cumulative_value_per_customer"),
    title="Cohorts: value per customer, month by month",
)
left, right = st.columns(2)
with left:
    tiles.tile("order_frequency", report_charts.bars("orders", "customer_count"))
with right:
    tiles.tile("value_by_decile", report_charts.bars("decile", "value_share"))
