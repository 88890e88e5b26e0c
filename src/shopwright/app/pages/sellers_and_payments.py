"""Sellers and payments."""

from __future__ import annotations

import streamlit as st

from shopwright.app import components, report_charts

components.page_header("Sellers and payments", "Who sells, how reliable are they, and how do customers pay?")
components.metric_row("seller_summary")
if components.has_data("sellers"):
    left, right = st.columns([2, 3])
    with left:
        components.report_tile("sellers", report_charts.ranking("seller_id", "net_amount"))
    with right:
        components.report_tile("payment_methods", report_charts.ranking("payment_method", "paid_amount"))
else:
    components.report_tile("payment_methods", report_charts.ranking("payment_method", "paid_amount"))
components.report_tile("payments")
