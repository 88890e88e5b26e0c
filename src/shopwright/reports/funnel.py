"""Reports on the way from a visit to a purchase, and where visitors leave it."""

from __future__ import annotations

from dataclasses import replace

from shopwright.reports.columns import CATEGORY, CHANNEL, DEVICE
from shopwright.reports.model import Column, Report, Scope
from shopwright.reports.periods import filled

_CELLS = Scope(
    day="session_date", device="entry_device", channel="entry_channel", category="category",
    otherwise="category = '(all)'",
)  # fmt: skip
_OF_CATEGORIES = replace(_CELLS, otherwise="category <> '(all)'")
_STEPS = (
    "A session stands at a step if it took every step before it too, in whatever order; bots are left out, unless the dbt variable include_bots is true. Narrowed to a"
    " category, sessions in all, the visit and shares of them are of sessions that acted on its products, steps are those on its"
    " products, and the checkout is the session's."
)
_RATES = (
    Column(
        "session_count",
        "Sessions in all, whatever they did; within a category, those that acted on its products.",
        "count",
    ),
    Column("view_session_count", "Sessions that viewed a product.", "count"),
    Column("cart_session_count", "Of these, sessions that put something in the cart.", "count"),
    Column(
        "checkout_session_count",
        "Of these, sessions that began a checkout; undefined where none is sent.",
        "count",
    ),
    Column("purchase_session_count", "Of these, sessions that bought.", "count"),
    Column("view_to_cart_rate", "Sessions at the cart, of those at the view.", "share"),
    Column("cart_to_purchase_rate", "Sessions at the purchase, of those at the cart.", "share"),
    Column("view_to_purchase_rate", "Sessions at the purchase, of those at the view.", "share"),
)

_COUNTS = _RATES[:5]
"""Those that are 0 on a date without sessions."""

_FUNNEL = Report(
    "funnel",
    "Funnel and drop-off",
    f"Sessions at each step from visit to purchase. {_STEPS} The checkout is left out where the shop sends none.",
    needs=("fct_funnel",),
    columns=(
        Column("step_number", "Place of the step.", "count"),
        Column("step", "Name of the step; within a category, Visit is acting on its products.", "text"),
        Column("session_count", "Sessions at the step.", "count"),
        Column(
            "share_of_sessions",
            "Of all sessions; within a category, of those that acted on its products.",
            "share",
        ),
        Column("share_of_previous", "Of those at the step before; undefined for the first.", "share"),
        Column("lost_session_count", "Sessions that were at the step before and went no further.", "count"),
        Column("drop_off_rate", "The same, of those at the step before.", "share"),
    ),
    sql="""
        with

        totals as (
            select
                coalesce(sum(session_count), 0)::bigint as sessions,
                coalesce(sum(view_session_count), 0)::bigint as views,
                coalesce(sum(cart_session_count), 0)::bigint as carts,
                sum(checkout_session_count)::bigint as checkouts,
                coalesce(sum(purchase_session_count), 0)::bigint as purchases
            from gold.fct_funnel
            where {cells}
        ),

        steps as (
            select 1 as step_number, 'Visit' as step, sessions as session_count from totals
            union all
            select 2, 'Product view', views from totals
            union all
            select 3, 'Cart', carts from totals
            union all
            select 4, 'Checkout', checkouts from totals where checkouts is not null
            union all
            select 5, 'Purchase', purchases from totals
        ),

        compared as (
            select
                *,
                first_value(session_count) over (order by step_number) as all_count,
                lag(session_count) over (order by step_number) as previous_count
            from steps
        )

        select
            step_number,
            step,
            session_count,
            session_count / nullif(all_count, 0),
            session_count / nullif(previous_count, 0),
            previous_count - session_count,
            (previous_count - session_count) / nullif(previous_count, 0)
        from compared
        order by step_number
    """,
    scopes={"cells": _CELLS},
    entities=("events",),
)


def _by(
    name: str,
    title: str,
    column: Column,
    *,
    expression: str,
    order: str,
    scope: Scope = _CELLS,
    step: str = "",
) -> Report:
    columns = (column, *_RATES)
    grouped = f"""
            select
                {expression} as label,
                sum(session_count)::bigint as sessions,
                sum(view_session_count)::bigint as views,
                sum(cart_session_count)::bigint as carts,
                sum(checkout_session_count)::bigint,
                sum(purchase_session_count)::bigint as purchases,
                carts / nullif(views, 0),
                purchases / nullif(carts, 0),
                purchases / nullif(views, 0)
            from gold.fct_funnel
            where {{cells}}
            group by label
        """
    return Report(
        name,
        title,
        f"Sessions at each step, by {column.name.replace('_', ' ')}. {_STEPS}",
        needs=("fct_funnel",),
        columns=columns,
        sql=filled(grouped, columns, step, _COUNTS) if step else f"{grouped} order by {order}",
        scopes={"cells": scope},
        entities=("events",),
    )


FUNNELS = (
    _FUNNEL,
    _by("funnel_by_day", "Funnel by day", Column("session_date", "Date of the start.", "date"),
        expression="session_date", order="label", step="1 day"),
    _by("funnel_by_device", "Funnel by device", DEVICE, expression="entry_device", order="sessions desc, label"),
    _by("funnel_by_channel", "Funnel by channel", CHANNEL, expression="entry_channel", order="sessions desc, label"),
    _by("funnel_by_category", "Funnel by category", CATEGORY, expression="category", order="views desc, label",
        scope=_OF_CATEGORIES),
)  # fmt: skip
