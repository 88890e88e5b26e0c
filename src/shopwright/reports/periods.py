"""Rows for periods without data, so that a chart does not draw a line across them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopwright.reports.report import Column


def fill_periods(query: str, columns: Sequence[Column], step: str, sums: Sequence[Column]) -> str:
    """Return a query with a row for each period from the first to the last that another query returns.

    Args:
        query: that other query, one row per period; its output columns have the names of ``columns``.
        columns: its columns, the period first.
        step: length of a period: ``1 day`` or ``1 month``.
        sums: columns that are 0 in a period without a row, unless they are undefined in all periods; all other columns
            are undefined there.
    """
    names = [column.name for column in columns]
    sum_names = {column.name for column in sums}
    period = names[0]
    values = [
        f"coalesce(counted.{name}, case when count(counted.{name}) over () > 0 then 0 end) as {name}"
        if name in sum_names
        else f"counted.{name}"
        for name in names[1:]
    ]
    # a full join keeps the row without a date
    return f"""
        with

        counted as ({query}),

        series as (
            select unnest(
                generate_series(min({period})::timestamp, max({period})::timestamp, interval '{step}')
            )::date as {period}
            from counted
        )

        select coalesce(series.{period}, counted.{period}) as {period}, {", ".join(values)}
        from series
        full join counted on series.{period} = counted.{period}
        order by 1
    """
