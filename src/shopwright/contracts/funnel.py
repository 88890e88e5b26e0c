"""The order of events and the steps of the funnel: one home for reports, the app, experiments and models."""

from __future__ import annotations

from dataclasses import dataclass

from shopwright.contracts.events import OTHER

EVENT_ORDER = (
    "page_view",
    "search",
    "product_view",
    "add_to_cart",
    "remove_from_cart",
    "begin_checkout",
    "purchase",
    OTHER,
)
"""Event types in the order in which a shopper can cause them, and last all others, which are no step of the funnel: events
with the same timestamp are sorted by it.

dbt's macro ``funnel_rank_of`` holds the same ranks in SQL.
"""


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One step on the way to a purchase."""

    label: str
    """Name on pages and in reports."""
    event_type: str | None
    """Event that takes the step; None for the session itself, which any event takes."""
    count_column: str
    """Sessions that took the step and all before it, in ``gold.fct_funnel``."""


FUNNEL_STEPS = (
    FunnelStep("Session", None, "session_count"),
    FunnelStep("Product view", "product_view", "view_session_count"),
    FunnelStep("Cart", "add_to_cart", "cart_session_count"),
    FunnelStep("Checkout", "begin_checkout", "checkout_session_count"),
    FunnelStep("Purchase", "purchase", "purchase_session_count"),
)
"""All steps; the checkout has no counts in a shop that sends no checkout events."""
