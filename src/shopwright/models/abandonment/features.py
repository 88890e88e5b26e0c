"""Features of the abandonment model: what is known about a session while its cart may still be bought."""

from __future__ import annotations

from shopwright.models.training_set import Feature, FeatureView

CLASSIC = ("total_views", "total_carts", "session_duration_minutes", "experiment_group")
"""Features that are enough for a score."""
_NUMBERS = (
    *("events_since_cart", "seconds_since_first_cart", "seconds_since_previous"),
    *("total_page_views", "total_searches", "total_removals", "total_checkouts", "viewed_items"),
    *("cart_units", "cart_amount", "cart_price_log_ratio", "hour_of_day", "weekday"),
    *("past_sessions", "past_cart_sessions", "past_purchase_sessions", "past_views", "past_amount"),
    "days_since_previous_session",
)
_CATEGORIES = ("device", "channel", "country")
OPTIONAL = (*_NUMBERS, *_CATEGORIES)
"""Features that improve a score, and may be left out."""

FEATURE_VIEW = FeatureView(
    table="gold.feat_abandonment",
    entity="user_id",
    keys=("session_key", "step_number"),
    decided_at="decided_at",
    known_at="known_at",
    outcome="is_abandoned",
    features=(
        *(Feature(name) for name in CLASSIC[:3]),
        Feature(CLASSIC[3], "category"),
        *(Feature(name) for name in _NUMBERS),
        *(Feature(name, "category") for name in _CATEGORIES),
    ),
)
WHERE = "not is_bot"
NOW = (
    "(session_key, step_number) in (select (session_key, max(step_number)) from gold.feat_abandonment "
    "where cast(decided_at as date) = (select max(cast(decided_at as date)) from gold.feat_abandonment) "
    "group by session_key)"
)
"""Condition for the last decision of each session of the last day."""


_TOTALS = (
    *(
        "duration_seconds",
        "event_count",
        "last_step_number",
        "page_view_count",
        "search_count",
        "product_view_count",
    ),
    *(
        "add_to_cart_count",
        "remove_from_cart_count",
        "begin_checkout_count",
        "other_count",
        "unit_count",
        "gross_amount",
    ),
)
"""Totals of a whole session in int_sessions, without its purchases."""


def rewrites(cutoff: str) -> dict[str, str]:
    """Rewrite the tables below the features, with everything after a cutoff (SQL literal) changed.

    Later steps become other actions at other prices, and every second one is dropped; the totals of sessions that were
    still running change, and what they state later is removed.
    """
    later = f"session_end_at > {cutoff}"
    totals = ", ".join(f"case when {later} then {name} * 2 + 5 else {name} end as {name}" for name in _TOTALS)
    return {
        "silver.int_sessionized_events": f"""
            select * replace (
                case when event_at > {cutoff} then abs(6 - funnel_rank) else funnel_rank end as funnel_rank,
                case when event_at > {cutoff} then price * 3 + 1 else price end as price,
                case when event_at > {cutoff} then event_product_key + 1 else event_product_key end as event_product_key,
                case when event_at > {cutoff} then 7 else quantity end as quantity
            )
            from original.silver.int_sessionized_events
            where event_at <= {cutoff} or step_number % 2 = 0""",
        "silver.int_sessions": f"""
            with reached as (
                select user_key, session_start_at, max(step_number) as last_step
                from original.silver.int_sessionized_events
                where event_at <= {cutoff}
                group by user_key, session_start_at
            )
            select sessions.* replace (
                {_remove_later("device_context", later)}, {_remove_later("country_context", later)},
                {_remove_later("channel_context", later)}, {_remove_later("experiment_context", later)},
                case when {later} then session_end_at + interval 3 hours else session_end_at end as session_end_at,
                case when {later} then 1 - least(purchase_count, 1) else purchase_count end as purchase_count,
                case when {later} then not is_bot else is_bot end as is_bot,
                {totals}
            )
            from original.silver.int_sessions as sessions
            left join reached using (user_key, session_start_at)""",
    }


def _remove_later(column: str, later: str) -> str:
    """Return a *_context column without what is stated at later steps."""
    is_ahead = f"{column} >= (coalesce(reached.last_step, 0) + 1)::bigint * 4294967296"
    return f"case when {later} and {is_ahead} then null else {column} end as {column}"
