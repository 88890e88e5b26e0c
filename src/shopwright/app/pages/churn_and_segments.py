"""Churn and segments: churn risk, customer segments and their changes."""

from __future__ import annotations

import streamlit as st

from shopwright.app import components, report_charts

components.page_header(
    "Churn and segments",
    "Which customers are at risk, which segments are there, and who changed segment? Scores of the live models.",
)

st.subheader("Churn")
if components.has_data("churn_risk"):
    left, right = st.columns(2)
    with left:
        components.report_tile("churn_risk", report_charts.churn_risk)
    with right:
        components.report_tile("churn_by_segment", report_charts.ranking("segment_name", "mean_probability"))
    components.report_tile("customers_at_risk")
else:
    components.report_tile("churn_risk")

st.subheader("Segments")
if components.has_data("customer_segments"):
    components.report_tile("customer_segments", report_charts.ranking("segment_name", "customer_count"))
    components.report_tile("segment_changes", report_charts.segment_changes)
else:
    components.report_tile("customer_segments")
