"""Real-time predictor: what the service says of a cart, while sliders move."""

from __future__ import annotations

from typing import Any

import streamlit as st

from shopwright.app import api, data, model_charts, notices, tiles
from shopwright.core.errors import ServiceError

VERDICTS = {
    "low": (st.success, "Low risk: this cart will probably be bought"),
    "medium": (st.warning, "Medium risk: this cart could go either way"),
    "high": (st.error, "High risk: this cart will probably be abandoned"),
}
UNKNOWN = "unknown"


def _groups() -> list[str]:
    """Groups of the shop's own scheme; the model never learned from ``NAME:VARIANT`` of experiments."""
    return [name for name in data.choices().experiments if ":" not in name]


def _session() -> dict[str, Any]:
    """What the sliders say of a session so far."""
    views = st.slider("Product views", 0, 60, 6, help="Views of products so far in this visit.")
    carts = st.slider("Put into the cart", 1, 20, 1, help="How often something was put into the cart.")
    minutes = st.slider("Minutes", 0.0, 90.0, 6.0, 0.5, help="Since the visit began.")
    group = st.selectbox(
        "Checkout experience",
        (*_groups(), UNKNOWN),
        help="The group of the shop's own scheme that the shopper is in.",
    )
    return {
        "total_views": views,
        "total_carts": carts,
        "session_duration_minutes": minutes,
        "experiment_group": None if group == UNKNOWN else group,
    }


def _answer(found: dict[str, Any], asked: dict[str, Any]) -> None:
    show, verdict = VERDICTS[found["risk_band"]]
    show(f"**{verdict}**")
    st.metric("Probability that it is abandoned", f"{found['probability']:.1%}")
    tiles.chart(model_charts.draw_waterfall(found["reasons"], session=asked), key="waterfall")
    st.caption(
        f"Version {found['model_version']} of the model {found['model']}, on data to {found['data_date']}. The probability "
        "is calibrated. Bars are what each feature adds to the log odds before calibration (SHAP); they add up exactly. "
        "What the sliders do not tell counts as not known."
    )
    if found["outside_training"]:
        names = ", ".join(found["outside_training"])
        st.caption(
            f":material/warning: Training hardly ever saw such a value of {names}: here the score is a guess."
        )


tiles.page(
    "Real-time predictor",
    "Will this cart be abandoned? The answer is the service's, the same that the shop's own software gets.",
)
controls, answer = st.columns((1, 2), gap="large")
with controls:
    given = _session()
with answer:
    try:
        _answer(api.predict(given), given)
    except ServiceError as refused:
        notices.tell_refusal(refused)
