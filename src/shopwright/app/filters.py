"""The side bar: what the numbers of a page are narrowed to. A choice is kept from page to page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from shopwright.app import data
from shopwright.reports import FILTERS, Filters

if TYPE_CHECKING:
    from datetime import date

    from shopwright.reports import Choices

_ALL = "All"
_KEPT = "filters"
_OFFERED = "offered filters"
_CHOICES = (
    ("device", "Device", "devices"),
    ("channel", "Channel", "channels"),
    ("category", "Category", "categories"),
    ("experiment", "Experiment", "experiments"),
)
"""Filter, what people call it, and where its values stand."""
_PERIOD = "Period"


def chosen() -> Filters:
    """What was chosen of the filters that the open page offers; a report takes what it can of it."""
    return Filters(**_kept()).only(st.session_state.get(_OFFERED, ()))


def draw(names: tuple[str, ...]) -> None:
    """Draw the side bar.

    Args:
        names: filters that something on the page takes; the others are not offered, and their choice waits.
    """
    st.session_state[_OFFERED] = ()
    if not names:
        return
    with st.sidebar:
        st.session_state[_OFFERED] = _draw_offered(names, data.choices())
        if _kept():
            st.button("Reset filters", on_click=_reset)


def _draw_offered(names: tuple[str, ...], found: Choices) -> tuple[str, ...]:
    """Draw the filters that the shop has values for, and name them."""
    offered: tuple[str, ...] = ()
    if "first" in names and found.first and found.last:
        _draw_period(found.first, found.last)
        offered = ("first", "last")
    for name, label, place in _CHOICES:
        if name in names and (values := getattr(found, place)):
            _draw_choice(name, label, values)
            offered = (*offered, name)
    return offered


def _kept() -> dict[str, Any]:
    kept: dict[str, Any] = st.session_state.setdefault(_KEPT, {})
    return kept


def _draw_period(first: date, last: date) -> None:
    kept = _kept()
    start = (max(kept.get("first", first), first), min(kept.get("last", last), last))
    picked = st.date_input(
        _PERIOD, value=start if start[0] <= start[1] else (first, last), min_value=first, max_value=last,
        key=f"period {first} {last} {st.session_state.get('resets', 0)}",
        help="Both dates are included, in the shop's time zone.",
    )  # fmt: skip
    if len(picked) == 2:  # one date while the second is still to be picked
        _keep("first", picked[0] if picked[0] > first else None)
        _keep("last", picked[1] if picked[1] < last else None)


def _draw_choice(name: str, label: str, values: tuple[str, ...]) -> None:
    kept = _kept().get(name)
    options = (_ALL, *values)
    picked = st.selectbox(
        label, options, index=options.index(kept) if kept in options else 0,
        key=f"choice {name} {st.session_state.get('resets', 0)}",
    )  # fmt: skip
    _keep(name, None if picked == _ALL else picked)


def _keep(name: str, value: Any) -> None:
    assert name in FILTERS  # noqa: S101
    if value is None:
        _kept().pop(name, None)
    else:
        _kept()[name] = value


def _reset() -> None:
    # a widget keeps its own value, so the next ones are others
    st.session_state["resets"] = st.session_state.get("resets", 0) + 1
    st.session_state[_KEPT] = {}
