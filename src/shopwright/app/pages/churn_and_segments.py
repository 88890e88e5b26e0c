"""Churn and segments: who will leave, who is alike, and who moved where."""

from __future__ import annotations

import streamlit as st

from shopwright.app import report_charts, tiles

tiles.page(
    "Churn and segments",
    "Who will leave, who is alike, and who moved where: scores of the models that serve.",
)

st.subheader("Churn")
if tiles.is_known("churn_risk"):
    left, right = st.columns(2)
    with left:
        tiles.tile("churn_risk", report_charts.churn_risk)
    with right:
        tiles.tile("churn_by_segment", report_charts.ranking("segment_name", "mean_probability"))
    tiles.tile("customers_at_risk")
else:
    tiles.tile("churn_risk")

st.subheader("Segments")
if tiles.is_known("customer_segments"):
    tiles.tile("customer_segments", report_charts.ranking("segment_name", "customers"))
    tiles.tile("segment_moves", report_charts.segment_changes)
else:
    tiles.tile("customer_segments")
