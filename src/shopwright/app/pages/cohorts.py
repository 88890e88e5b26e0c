"""Cohorts and lifetime value: repeat orders and customer value."""

from __future__ import annotations

import streamlit as st

from shopwright.app import components, report_charts

components.page_header(
    "Cohorts and lifetime value",
    "How many customers order again, and what is a customer worth?",
    requires="customer_summary",
)
components.metric_row(
    "customer_summary",
    "customer_count",
    "repeat_rate",
    "orders_per_customer",
    "average_value_amount",
    "median_value_amount",
)
components.report_tile(
    "cohort_retention", report_charts.grid("months_since_first", "cohort_month", "retention_rate", min_x=1)
)
components.report_tile(
    "cohort_retention",
    report_charts.grid("months_since_first", "cohort_month", "cumulative_value_per_customer"),
    title="Cumulative value per customer by cohort",
)
left, right = st.columns(2)
with left:
    components.report_tile("order_frequency", report_charts.bars("orders", "customer_count"))
with right:
    components.report_tile("value_by_decile", report_charts.bars("decile", "value_share"))
