"""The features of abandonment once more, in pandas: whole columns, no loop over sessions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

CLOCKS = (2, 4, 6, 8, 10)
"""Events after an add-to-cart at which it is decided again."""
BOT_EVENTS = 60
BOT_GAP_SECONDS = 3.0
TOTALS = {
    "total_page_views": 0,
    "total_searches": 1,
    "total_views": 2,
    "total_carts": 3,
    "total_removals": 4,
    "total_checkouts": 5,
}
"""Feature to the place of the events that it counts, in the funnel."""


def features(steps: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    """Compute what is known at each decision.

    Args:
        steps: by user_key, session_start_at and step_number: event_at, funnel_rank, event_product_key, price, unit_count.
        sessions: by user_key and session_start_at: session_end_at and what they add up to.

    Returns:
        One row per decision.
    """
    key = ["user_key", "session_start_at"]
    starts = (steps["user_key"].diff() != 0) | (steps["session_start_at"].diff() != pd.Timedelta(0))
    steps["session"] = starts.cumsum() - 1
    sessions = sessions.sort_values(key, ignore_index=True)
    sessions["session"] = np.arange(len(sessions))
    steps["price_log"] = np.round(np.log(steps["price"].where(steps["price"] > 0)) * 1e6)
    _add_viewed_prices(steps, sessions)
    _add_past_totals(sessions)
    carted = sessions["add_to_cart_count"].to_numpy() > 0
    decisions = _running_totals(steps[carted[steps["session"].to_numpy()]])
    return _describe(decisions.merge(sessions, on="session", how="left", suffixes=("", "_of_session")))


def _add_viewed_prices(steps: pd.DataFrame, sessions: pd.DataFrame) -> None:
    viewed = steps[steps["funnel_rank"] == 2].groupby("session")["price_log"]
    sessions["session_view_log"] = viewed.sum().reindex(sessions["session"]).fillna(0).to_numpy()
    sessions["session_priced_views"] = viewed.count().reindex(sessions["session"]).fillna(0).to_numpy()


def _add_past_totals(sessions: pd.DataFrame) -> None:
    """Running totals of a user's sessions, without the session itself."""
    user = sessions["user_key"]
    summed: dict[str, Any] = {
        "past_sessions": pd.Series(1, index=sessions.index),
        "past_cart_sessions": (sessions["add_to_cart_count"] > 0).astype(int),
        "past_purchase_sessions": (sessions["purchase_count"] > 0).astype(int),
        "past_views": sessions["product_view_count"],
        "past_amount": sessions["gross_amount"],
        "past_view_log": sessions["session_view_log"],
        "past_priced_views": sessions["session_priced_views"],
    }
    for name, values in summed.items():
        sessions[name] = values.groupby(user).cumsum() - values
    sessions["previous_end_at"] = sessions.groupby("user_key")["session_end_at"].shift()


def _running_totals(steps: pd.DataFrame) -> pd.DataFrame:
    """Running totals of each session, at its decisions only."""
    session, rank = steps["session"], steps["funnel_rank"]
    for name, funnel_rank in {**TOTALS, "purchases": 6}.items():
        steps[name] = (rank == funnel_rank).groupby(session).cumsum()
    is_view = rank == 2
    is_new = is_view & ~steps[["session", "funnel_rank", "event_product_key"]].duplicated()
    steps["viewed_items"] = is_new.groupby(session).cumsum()
    direction = rank.map({3: 1, 4: -1}).fillna(0)
    is_priced = steps["price_log"].notna()
    summed = {
        "cart_units": direction * steps["unit_count"],
        "cart_amount": direction * steps["unit_count"] * steps["price"].fillna(0),
        "cart_log": (direction * steps["price_log"]).fillna(0),
        "priced_carts": direction * is_priced,
        "view_log": steps["price_log"].where(is_view).fillna(0),
        "priced_views": (is_view & is_priced).astype(int),
    }
    for name, values in summed.items():
        steps[name] = values.groupby(session).cumsum()
    steps["first_cart_at"] = steps["event_at"].where(rank == 3).groupby(session).transform("min")
    steps["last_cart_step"] = steps["step_number"].where(rank == 3).groupby(session).ffill()
    is_decision = rank == 3
    for clock in CLOCKS:
        is_decision |= rank.groupby(session).shift(clock) == 3
    return steps[is_decision & (steps["purchases"] == 0)]


def _describe(decisions: pd.DataFrame) -> pd.DataFrame:
    seconds = _seconds(decisions["session_start_at"], decisions["event_at"])
    view_log, views = (
        decisions["view_log"] + decisions["past_view_log"],
        decisions["priced_views"] + decisions["past_priced_views"],
    )
    ratio = decisions["cart_log"] / decisions["priced_carts"].where(
        decisions["priced_carts"] != 0
    ) - view_log / views.where(views != 0)
    copied = [*TOTALS, "viewed_items", "cart_units", "cart_amount", "seconds_since_previous", "past_sessions"]
    copied += ["past_cart_sessions", "past_purchase_sessions", "past_views", "past_amount"]
    described = decisions[["user_key", "session_start_at", "step_number", *copied]].copy()
    described["session_duration_minutes"] = seconds / 60
    described["events_since_cart"] = decisions["step_number"] - decisions["last_cart_step"]
    described["seconds_since_first_cart"] = _seconds(decisions["first_cart_at"], decisions["event_at"])
    described["cart_price_log_ratio"] = ratio / 1e6
    described["hour_of_day"] = decisions["event_at"].dt.hour
    described["weekday"] = decisions["event_at"].dt.dayofweek + 1
    described["days_since_previous_session"] = (
        _seconds(decisions["previous_end_at"], decisions["session_start_at"]) / 86400
    )
    described["is_bot"] = (decisions["step_number"] >= BOT_EVENTS) & (
        seconds < (decisions["step_number"] - 1) * BOT_GAP_SECONDS
    )
    described["has_purchase"] = decisions["purchase_count"] > 0
    return described


def _seconds(start: pd.Series[Any], end: pd.Series[Any]) -> pd.Series[Any]:
    return np.floor((end - start).dt.total_seconds())
