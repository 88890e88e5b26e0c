"""The app: pages over gold and the service.

A page arranges its content and computes nothing: numbers come from ``shopwright.reports``, from the model registry, from
``shopwright.experiments``, or over HTTP from the service. No other package imports Streamlit.
"""
