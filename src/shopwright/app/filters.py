"""The side bar with the filters of a page; a selection is retained from page to page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from shopwright.app import data
from shopwright.reports import FILTERS, Filters

if TYPE_CHECKING:
    from datetime import date

    from shopwright.reports import FilterValues

_ALL = "All"
_SELECTION_KEY = "filters"
_OFFERED_KEY = "offered filters"
_RESETS_KEY = "resets"
_SELECTS = (
    ("device", "Device", "devices"),
    ("channel", "Channel", "channels"),
    ("category", "Category", "categories"),
    ("experiment", "Experiment", "experiments"),
)
"""Filter, label, and field of ``FilterValues`` with its values."""


def selected_filters() -> Filters:
    """Return the selection among the filters that the current page offers; a report uses those that it accepts."""
    return Filters(**_selection()).select(st.session_state.get(_OFFERED_KEY, ()))


def draw_sidebar(names: tuple[str, ...]) -> None:
    """Draw the side bar.

    Args:
        names: filters that the page offers; a selection for others is retained but does not apply.
    """
    st.session_state[_OFFERED_KEY] = ()
    if not names:
        return
    with st.sidebar:
        st.session_state[_OFFERED_KEY] = _draw_filters(names, data.filter_values())
        if _selection():
            st.button("Reset filters", on_click=_reset)


def _draw_filters(names: tuple[str, ...], values: FilterValues) -> tuple[str, ...]:
    """Draw the filters for which the shop has values, and return their names."""
    offered: tuple[str, ...] = ()
    if "first" in names and values.first and values.last:
        _draw_period(values.first, values.last)
        offered = ("first", "last")
    for name, label, field in _SELECTS:
        if name in names and (options := getattr(values, field)):
            _draw_select(name, label, options)
            offered = (*offered, name)
    return offered


def _selection() -> dict[str, Any]:
    selection: dict[str, Any] = st.session_state.setdefault(_SELECTION_KEY, {})
    return selection


def _draw_period(first: date, last: date) -> None:
    selection = _selection()
    start = (max(selection.get("first", first), first), min(selection.get("last", last), last))
    dates = st.date_input(
        "Period", value=start if start[0] <= start[1] else (first, last), min_value=first, max_value=last,
        key=f"period {first} {last} {_reset_count()}",
        help="Both dates are included, in the shop's time zone.",
    )  # fmt: skip
    if len(dates) == 2:  # a single date while the second is still to be picked
        _select("first", dates[0] if dates[0] > first else None)
        _select("last", dates[1] if dates[1] < last else None)


def _draw_select(name: str, label: str, values: tuple[str, ...]) -> None:
    current = _selection().get(name)
    options = (_ALL, *values)
    option = st.selectbox(
        label, options, index=options.index(current) if current in options else 0,
        key=f"choice {name} {_reset_count()}",
    )  # fmt: skip
    _select(name, None if option == _ALL else option)


def _select(name: str, value: Any) -> None:
    assert name in FILTERS  # noqa: S101
    if value is None:
        _selection().pop(name, None)
    else:
        _selection()[name] = value


def _reset_count() -> int:
    count: int = st.session_state.get(_RESETS_KEY, 0)
    return count


def _reset() -> None:
    # a widget retains its own value under its key, so after a reset the widgets have new keys
    st.session_state[_RESETS_KEY] = _reset_count() + 1
    st.session_state[_SELECTION_KEY] = {}
