"""Sellers and payments: who sells, and how is paid."""

from __future__ import annotations

import streamlit as st

from shopwright.app import report_charts, tiles

tiles.page("Sellers and payments", "Who sells, how reliably, and how do customers pay?")
tiles.figures("seller_summary")
if tiles.is_known("sellers"):
    left, right = st.columns([2, 3])
    with left:
        tiles.tile("sellers", report_charts.ranking("seller_id", "net_amount"))
    with right:
        tiles.tile("payment_methods", report_charts.ranking("payment_method", "paid_amount"))
else:
    tiles.tile("payment_methods", report_charts.ranking("payment_method", "paid_amount"))
tiles.tile("payments")
