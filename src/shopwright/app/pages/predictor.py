"""Real-time predictor: the service's score of a cart, as sliders move."""

from __future__ import annotations

from typing import Any

import streamlit as st

from shopwright.app import api_client, components, data, model_charts, service_errors
from shopwright.core.errors import ServiceError

VERDICTS = {
    "low": (st.success, "Low risk: this cart will probably be purchased"),
    "medium": (st.warning, "Medium risk: this cart could go either way"),
    "high": (st.error, "High risk: this cart will probably be abandoned"),
}
UNKNOWN = "unknown"


def _list_groups() -> list[str]:
    """List the groups of the shop's own scheme; the model was not trained on ``NAME:VARIANT`` of experiments."""
    return [name for name in data.filter_values().experiments if ":" not in name]


def _draw_controls() -> dict[str, Any]:
    """Draw the controls, and return the session that they describe."""
    views = st.slider("Product views", 0, 60, 6, help="Product views in this session so far.")
    carts = st.slider("Items added to cart", 1, 20, 1, help="Add-to-cart events in this session so far.")
    minutes = st.slider("Minutes", 0.0, 90.0, 6.0, 0.5, format="%.1f", help="Time since the session began.")
    group = st.selectbox(
        "Checkout experience",
        (*_list_groups(), UNKNOWN),
        help="The shopper's group in the shop's own scheme.",
    )
    return {
        "total_views": views,
        "total_carts": carts,
        "session_duration_minutes": minutes,
        "experiment_group": None if group == UNKNOWN else group,
    }


def _show_prediction(prediction: dict[str, Any], session: dict[str, Any]) -> None:
    show, verdict = VERDICTS[prediction["risk_band"]]
    show(f"**{verdict}**")
    st.metric("Abandonment probability", f"{prediction['probability']:.1%}")
    fig = model_charts.draw_waterfall(prediction["reasons"], session=session)
    components.show_chart(fig, key="waterfall")
    st.caption(
        f"Version {prediction['model_version']} of the model {prediction['model']}, data through "
        f"{prediction['data_date']}. The probability is calibrated. Each bar is a feature's contribution (SHAP) to the log "
        "odds before calibration; they add up exactly. Features without a slider count as unknown."
    )
    if prediction["outside_training"]:
        names = ", ".join(prediction["outside_training"])
        st.caption(f":material/warning: Outside the training range: {names}. Treat this score with caution.")


components.page_header(
    "Real-time predictor",
    "Will this cart be abandoned? The service scores it as it would for the shop's own software.",
)
left, right = st.columns((1, 2), gap="large")
with left:
    session = _draw_controls()
with right:
    try:
        _show_prediction(api_client.predict(session), session)
    except ServiceError as error:
        service_errors.show_service_error(error)
