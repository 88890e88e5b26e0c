"""What pages are made of: titles, tiles over reports, tables with downloads, and what is said where data is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from shopwright.app import data, filters
from shopwright.app.downloads import arrow_table, csv_bytes, parquet_bytes
from shopwright.app.words import UNDEFINED, label, not_narrowed, plain, show, standing
from shopwright.core.errors import MissingDataError, ShopwrightError
from shopwright.reports import find_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from shopwright.app.report_charts import Draw
    from shopwright.reports import Column, Table

__all__ = [
    "chart",
    "figures",
    "is_known",
    "listing",
    "missing",
    "page",
    "plain",
    "refuse",
    "table_of",
    "tile",
]

_NARROWEST = 15
"""Letters of a heading that a large figure leaves room for anyway."""
_PLOTLY = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"]}
_FORMATS = {
    "share": "percent",
    "money": "accounting",
    "count": "localized",
    "number": "%.2f",
    "seconds": "localized",
    "days": "%.1f",
    "date": "YYYY-MM-DD",
    "time": "YYYY-MM-DD HH:mm",
}
_KINDS: dict[str, Any] = {
    "text": st.column_config.TextColumn,
    "date": st.column_config.DateColumn,
    "time": st.column_config.DatetimeColumn,
}
"""Columns that are no numbers."""


def page(title: str, lead: str, *, over: str = "") -> None:
    """Head a page.

    Args:
        title: of the page.
        lead: what it answers, in a sentence.
        over: report without which the page has nothing to show; where the shop lacks its data, the page says so and ends.
    """
    st.title(title)
    st.caption(lead)
    if over:
        try:
            data.read(over, filters.chosen())
        except MissingDataError as error:
            missing(error)
            st.stop()


def is_known(name: str) -> bool:
    """Whether the shop has the data of a report."""
    try:
        data.read(name, filters.chosen())
    except MissingDataError:
        return False
    return True


def missing(error: MissingDataError) -> None:
    """Say which data the shop lacks."""
    st.info(plain(_sentence(error)))


def refuse(error: ShopwrightError) -> None:
    """Say what is wrong and what to do, where a page cannot go on."""
    st.error(plain(_sentence(error)))


def figures(name: str, *columns: str) -> None:
    """The named columns of a report of one row, as large figures; all where none is named."""
    try:
        table = data.read(name, filters.chosen())
    except MissingDataError as error:
        missing(error)
        return
    known = {column.name: (place, column) for place, column in enumerate(table.report.columns)}
    wanted = [known[each] for each in columns or known]
    values = table.rows[0] if table.rows else (None,) * len(known)
    headings = [
        f"{label(column.name)}, {table.currency}" if column.unit == "money" else label(column.name)
        for _, column in wanted
    ]
    with st.container(border=True):
        # a heading that does not fit is cut, so the longer one has the wider column
        cells = st.columns([max(len(heading), _NARROWEST) for heading in headings])
        for cell, heading, (place, column) in zip(cells, headings, wanted, strict=True):
            cell.metric(heading, show(values[place], column.unit), help=column.meaning)
        _foot(table)


def tile(name: str, draw: Draw | None = None, *, title: str = "") -> None:
    """A report as a tile: title, chart, definition, freshness and health of its data, table and downloads.

    Args:
        name: of the report.
        draw: makes its chart; the table alone where not given.
        title: in place of the report's own, for a second chart of one report on a page.
    """
    with st.container(border=True):
        report = find_report(name)
        st.markdown(f"**{title or report.title}**", help=report.definition)
        try:
            table = data.read(name, filters.chosen())
        except MissingDataError as error:
            missing(error)
            return
        if not table.rows:
            st.info("Nothing in this selection.")
        elif draw is None:
            _table(report.columns, table.rows)
        else:
            chart(draw(table), key=f"chart {name} {title}")
        _foot(table)
        if table.rows and not title:  # a second chart has the table of the first
            _more(table, is_shown=draw is None)


def listing(
    name: str,
    title: str,
    definition: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    *,
    nothing: str,
) -> None:
    """A table that no report tells, as a tile.

    Args:
        name: of the files, and unique on the page.
        title: of the tile.
        definition: what exactly it shows.
        columns: name, meaning and unit of each column.
        rows: values in their order.
        nothing: what is said where there are none.
    """
    with st.container(border=True):
        st.markdown(f"**{title}**", help=definition)
        if rows:
            table_of(name, columns, rows)
        else:
            st.info(nothing)


def chart(figure: go.Figure, *, key: str) -> None:
    """A chart in the theme that the reader chose."""
    st.plotly_chart(figure, width="stretch", theme="streamlit", config=_PLOTLY, key=key)


def table_of(name: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> None:
    """A table with its downloads, for what is no report.

    Args:
        name: of the files, and unique on the page.
        columns: name, meaning and unit of each column.
        rows: values in their order.
    """
    _table(columns, rows)
    _downloads(name, columns, rows)


def _more(table: Table, *, is_shown: bool) -> None:
    if is_shown:
        _downloads(table.report.name, table.report.columns, table.rows)
        return
    with st.expander("Definition, table and downloads"):
        st.caption(plain(table.report.definition))
        table_of(table.report.name, table.report.columns, table.rows)


def _table(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> None:
    settings = {
        column.name: _KINDS.get(column.unit, st.column_config.NumberColumn)(
            label(column.name), help=column.meaning, **_format_of(column)
        )
        for column in columns
    }
    height = min(400, 38 + 35 * max(1, len(rows)))
    shown = [[UNDEFINED if value is None and column.unit == "text" else value for value, column in zip(row, columns, strict=True)] for row in rows]  # fmt: skip
    st.dataframe(
        arrow_table(columns, shown, exact=False), hide_index=True, column_config=settings, height=height
    )


def _format_of(column: Column) -> dict[str, str]:
    return {"format": _FORMATS[column.unit]} if column.unit in _FORMATS else {}


def _downloads(name: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> None:
    beside = st.container(horizontal=True)
    names = [column.name for column in columns]
    beside.download_button(
        "CSV", csv_bytes(names, rows), f"{name}.csv", "text/csv", key=f"csv {name}", on_click="ignore"
    )
    beside.download_button(
        "Parquet", parquet_bytes(arrow_table(columns, rows)), f"{name}.parquet",
        "application/vnd.apache.parquet", key=f"parquet {name}", on_click="ignore",
    )  # fmt: skip


def _foot(table: Table) -> None:
    notes = [standing(table), not_narrowed(table, tuple(filters.chosen().given))]
    st.caption(plain(" · ".join(note for note in notes if note)))


def _sentence(error: ShopwrightError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
