"""Data health: loaded and quarantined rows, data tests, freshness."""

from __future__ import annotations

import streamlit as st

from shopwright.app import components, data

components.page_header(
    "Data health",
    "Can the numbers be trusted? Loaded and quarantined rows, data tests and freshness.",
)
if failure := data.failed_build():
    st.warning(f"The last build failed at {failure.at} UTC; these figures are of the build before.")
    st.code(failure.message, language=None, wrap_lines=True)
components.metric_row(
    "health_summary",
    "rows_read",
    "rows_accepted",
    "rows_quarantined",
    "rows_duplicate",
    "rows_ignored",
    "quarantine_rate",
)
components.metric_row(
    "health_summary",
    "file_count",
    "failed_file_count",
    "unbalanced_file_count",
    "passed_test_count",
    "warned_test_count",
)
components.report_tile("freshness")
components.report_tile("ledger")
components.table_tile(
    "quarantine",
    "Quarantined rows",
    "Rows that broke a rule and were not replayed since, by file and rules; at most a minute old. "
    "`shopwright quarantine show` lists them in full.",
    data.QUARANTINE_COLUMNS,
    data.list_quarantine(),
    empty_text="The quarantine is empty.",
)
components.report_tile("data_tests")
components.report_tile("ledger_files")
