"""Bulk prediction: a CSV of sessions goes to the service and comes back scored."""

from __future__ import annotations

import hashlib

import streamlit as st

from shopwright.app import api, bulk, model_charts, notices, tiles
from shopwright.core.errors import DataError, ServiceError

SHOWN = 50
KEPT = "bulk prediction"


def _ask_for_file() -> bytes | None:
    st.markdown(
        "One row a session: `total_views`, `total_carts`, `session_duration_minutes` and `experiment_group`. Further "
        "features of the model make scores better; a column `session_id` comes back as it is."
    )
    st.download_button(
        "Example file", bulk.EXAMPLE, "sessions.csv", "text/csv", on_click="ignore", icon=":material/draft:"
    )
    given = st.file_uploader("Sessions", type="csv")
    return given.getvalue() if given is not None else None


def _preview(content: bytes) -> None:
    table = bulk.read_csv(content)
    st.subheader("What was uploaded")
    st.dataframe(table.slice(0, SHOWN), hide_index=True)
    st.caption(f"{min(SHOWN, table.num_rows):,} of {table.num_rows:,} rows.")


def _scored(content: bytes) -> bytes | None:
    """The answer to this file, asked for by the button and kept until another file comes."""
    identity = hashlib.sha256(content).hexdigest()
    kept: tuple[str, bytes] | None = st.session_state.get(KEPT)
    if st.button("Score", type="primary", icon=":material/bolt:"):
        with st.spinner("The service is scoring"):
            kept = (identity, api.predict_rows(content))
        st.session_state[KEPT] = kept
    return kept[1] if kept is not None and kept[0] == identity else None


def _result(scored: bytes) -> None:
    table = bulk.read_csv(scored)
    st.subheader("Scored")
    tiles.chart(model_charts.draw_risk_bands(bulk.count_bands(table)), key="bands")
    st.dataframe(table.slice(0, SHOWN), hide_index=True)
    st.caption(f"{min(SHOWN, table.num_rows):,} of {table.num_rows:,} rows.")
    st.download_button(
        "Download all rows",
        scored,
        "scored.csv",
        "text/csv",
        type="primary",
        on_click="ignore",
        icon=":material/download:",
    )


tiles.page(
    "Bulk prediction", "Which of these carts will be abandoned? The service scores a file of sessions."
)
try:
    if uploaded := _ask_for_file():
        _preview(uploaded)
        if answer := _scored(uploaded):
            _result(answer)
except ServiceError as refused:
    notices.tell_refusal(refused)
except DataError as wrong:
    st.error(str(wrong))
