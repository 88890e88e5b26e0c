"""Rows for dates on which nothing happened, so that no line is drawn across them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopwright.reports.model import Column


def filled(counted: str, columns: Sequence[Column], step: str, sums: Sequence[Column]) -> str:
    """A query with a row for each period from the first to the last that another query finds.

    Args:
        counted: that query, one row a period.
        columns: its columns, the period first.
        step: how long a period is: ``1 day`` or ``1 month``.
        sums: columns that are 0 where nothing happened, unless undefined in all periods; the others are undefined
            there.
    """
    names = [column.name for column in columns]
    summed = {column.name for column in sums}
    period = names[0]
    values = [
        f"coalesce(counted.{name}, case when count(counted.{name}) over () > 0 then 0 end)"
        if name in summed
        else f"counted.{name}"
        for name in names[1:]
    ]
    # a full join keeps the row of what has no date
    return f"""
        with

        counted ({", ".join(names)}) as ({counted}),

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
