"""Bulk prediction: the service scores a CSV file of sessions."""

from __future__ import annotations

import hashlib

import streamlit as st

from shopwright.app import api_client, components, model_charts, service_errors, session_files
from shopwright.core.errors import DataError, ServiceError

MAX_PREVIEW_ROWS = 50
SCORES_KEY = "bulk prediction"


def _upload() -> bytes | None:
    st.markdown(
        "One row per session: `total_views`, `total_carts`, `session_duration_minutes` and `experiment_group`. More "
        "features of the model improve the scores; a column `session_id` is returned unchanged."
    )
    st.download_button(
        "Example file",
        session_files.EXAMPLE,
        "sessions.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/draft:",
    )
    file = st.file_uploader("Sessions", type="csv")
    return file.getvalue() if file is not None else None


def _show_preview(content: bytes) -> None:
    table = session_files.read_csv(content)
    st.subheader("Preview")
    st.dataframe(table.slice(0, MAX_PREVIEW_ROWS), hide_index=True)
    st.caption(f"{min(MAX_PREVIEW_ROWS, table.num_rows):,} of {table.num_rows:,} rows.")


def _score(content: bytes) -> bytes | None:
    """Return the scores of this file: requested by the button, and cached until another file is uploaded."""
    identity = hashlib.sha256(content).hexdigest()
    cached: tuple[str, bytes] | None = st.session_state.get(SCORES_KEY)
    if st.button("Score", type="primary", icon=":material/bolt:"):
        with st.spinner("Scoring"):
            cached = (identity, api_client.predict_file(content))
        st.session_state[SCORES_KEY] = cached
    return cached[1] if cached is not None and cached[0] == identity else None


def _show_scores(content: bytes) -> None:
    table = session_files.read_csv(content)
    st.subheader("Scores")
    components.show_chart(
        model_charts.draw_risk_bands(session_files.count_risk_bands(table)), key="risk bands"
    )
    st.dataframe(table.slice(0, MAX_PREVIEW_ROWS), hide_index=True)
    st.caption(f"{min(MAX_PREVIEW_ROWS, table.num_rows):,} of {table.num_rows:,} rows.")
    st.download_button(
        "Download all rows",
        content,
        "scored.csv",
        "text/csv",
        type="primary",
        on_click="ignore",
        icon=":material/download:",
    )


components.page_header(
    "Bulk prediction", "Which of these carts will be abandoned? The service scores a file of sessions."
)
try:
    if uploaded := _upload():
        _show_preview(uploaded)
        if scores := _score(uploaded):
            _show_scores(scores)
except ServiceError as service_error:
    service_errors.show_service_error(service_error)
except DataError as data_error:
    components.show_error(data_error)
