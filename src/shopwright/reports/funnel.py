"""Reports on the funnel from session to purchase, and where sessions drop off."""

from __future__ import annotations

from dataclasses import replace

from shopwright.contracts.funnel import FUNNEL_STEPS
from shopwright.reports.columns import CATEGORY, CHANNEL, DEVICE
from shopwright.reports.periods import fill_periods
from shopwright.reports.report import Column, FilterColumns, Report

_CELL_FILTERS = FilterColumns(
    day="session_date", device="entry_device", channel="entry_channel", category="category",
    default_condition="category = '(all)'",
)  # fmt: skip
_CATEGORY_FILTERS = replace(_CELL_FILTERS, default_condition="category <> '(all)'")
_STEP_RULE = (
    "A session counts at a step if it also took every step before, in any order; bots are excluded unless the dbt variable"
    " include_bots is true. Filtered to a category, only sessions and steps with its products count; the checkout is the"
    " session's."
)
_STEP_COLUMNS = (
    Column(
        "session_count",
        "All sessions; within a category, those with an event on its products.",
        "count",
    ),
    Column("view_session_count", "Sessions that viewed a product.", "count", "Sessions with a view"),
    Column(
        "cart_session_count",
        "Of these, sessions that added something to the cart.",
        "count",
        "Sessions with a cart",
    ),
    Column(
        "checkout_session_count",
        "Of these, sessions that began a checkout; undefined where the shop sends no checkout events.",
        "count",
    ),
    Column("purchase_session_count", "Of these, sessions with a purchase.", "count"),
    Column(
        "view_to_cart_rate", "Sessions with a cart, of those with a product view.", "share", stated_by="carts"
    ),
    Column(
        "cart_to_purchase_rate",
        "Sessions with a purchase, of those with a cart.",
        "share",
        stated_by="purchases",
    ),
    Column(
        "view_to_purchase_rate",
        "Sessions with a purchase, of those with a product view.",
        "share",
        stated_by="purchases",
    ),
)

_COUNTS = _STEP_COLUMNS[:5]
"""Columns that are 0 on a date without sessions."""

_STEPS = " union all ".join(
    f"select {number} as step_number, '{step.label}' as step, {step.count_column} as session_count from totals"
    f" where {step.count_column} is not null"
    for number, step in enumerate(FUNNEL_STEPS, 1)
)
"""One row per step; a count is null only for the checkout, of a shop that sends none."""

_FUNNEL = Report(
    "funnel",
    "Funnel and drop-off",
    f"Sessions at each step from session to purchase. {_STEP_RULE} The checkout is omitted where the shop sends no checkout events.",
    requires=("fct_funnel",),
    columns=(
        Column("step_number", "Number of the step, from 1.", "count"),
        Column(
            "step", "Name of the step; within a category, Session means an event on its products.", "text"
        ),
        Column("session_count", "Sessions at the step.", "count"),
        Column(
            "share_of_sessions",
            "Share of all sessions; within a category, of those with an event on its products.",
            "share",
        ),
        Column(
            "share_of_previous", "Share of sessions at the previous step; undefined for the first.", "share"
        ),
        Column("lost_session_count", "Sessions that reached the previous step but not this one.", "count"),
        Column(
            "drop_off_rate", "Share of sessions at the previous step that did not reach this one.", "share"
        ),
    ),
    sql=f"""
        with

        totals as (
            select
                coalesce(sum(session_count), 0)::bigint as session_count,
                coalesce(sum(view_session_count), 0)::bigint as view_session_count,
                coalesce(sum(cart_session_count), 0)::bigint as cart_session_count,
                sum(checkout_session_count)::bigint as checkout_session_count,
                coalesce(sum(purchase_session_count), 0)::bigint as purchase_session_count
            from gold.fct_funnel
            where {{cells}}
        ),

        steps as (
            {_STEPS}
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
            session_count / nullif(all_count, 0) as share_of_sessions,
            session_count / nullif(previous_count, 0) as share_of_previous,
            previous_count - session_count as lost_session_count,
            (previous_count - session_count) / nullif(previous_count, 0) as drop_off_rate
        from compared
        order by step_number
    """,
    filter_columns={"cells": _CELL_FILTERS},
    entities=("events",),
)


def _by(
    name: str,
    title: str,
    column: Column,
    *,
    expression: str,
    order: str,
    filters: FilterColumns = _CELL_FILTERS,
    step: str = "",
) -> Report:
    columns = (column, *_STEP_COLUMNS)
    grouped = f"""
            select
                {expression} as {column.name},
                sum(session_count)::bigint as session_count,
                sum(view_session_count)::bigint as view_session_count,
                sum(cart_session_count)::bigint as cart_session_count,
                sum(checkout_session_count)::bigint as checkout_session_count,
                sum(purchase_session_count)::bigint as purchase_session_count,
                sum(cart_session_count) / nullif(sum(view_session_count), 0) as view_to_cart_rate,
                sum(purchase_session_count) / nullif(sum(cart_session_count), 0) as cart_to_purchase_rate,
                sum(purchase_session_count) / nullif(sum(view_session_count), 0) as view_to_purchase_rate
            from gold.fct_funnel
            where {{cells}}
            group by {expression}
        """
    return Report(
        name,
        title,
        f"Sessions at each step of the funnel, by {column.name.replace('_', ' ')}. {_STEP_RULE}",
        requires=("fct_funnel",),
        columns=columns,
        sql=fill_periods(grouped, columns, step, _COUNTS) if step else f"{grouped} order by {order}",
        filter_columns={"cells": filters},
        entities=("events",),
    )


FUNNEL_REPORTS = (
    _FUNNEL,
    _by("funnel_by_day", "Funnel by day", Column("session_date", "Date of the first event.", "date"),
        expression="session_date", order="session_date", step="1 day"),
    _by("funnel_by_device", "Funnel by device", DEVICE, expression="entry_device", order="session_count desc, device"),
    _by("funnel_by_channel", "Funnel by channel", CHANNEL, expression="entry_channel", order="session_count desc, channel"),
    _by("funnel_by_category", "Funnel by category", CATEGORY, expression="category", order="view_session_count desc, category",
        filters=_CATEGORY_FILTERS),
)  # fmt: skip
