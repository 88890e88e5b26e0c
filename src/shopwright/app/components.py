"""Building blocks of pages: headers, metrics, report tiles, tables with downloads, and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from shopwright.app import data, filters
from shopwright.app.downloads import arrow_table, csv_bytes, parquet_bytes
from shopwright.app.formatting import (
    UNDEFINED,
    escape_markdown,
    format_freshness,
    format_ignored_filters,
    format_value,
)
from shopwright.core.errors import MissingDataError, ShopwrightError
from shopwright.reports import find_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    import plotly.graph_objects as go

    from shopwright.app.report_charts import DrawChart
    from shopwright.reports import Column, Table

_MIN_HEADING_WIDTH = 15
"""Letters of a heading for which a metric has room in any case."""
_PLOTLY_CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["select2d", "lasso2d"]}
_NUMBER_FORMATS = {
    "share": "percent",
    "money": "accounting",
    "count": "localized",
    "number": "%.2f",
    "seconds": "localized",
    "days": "%.1f",
    "date": "YYYY-MM-DD",
    "time": "YYYY-MM-DD HH:mm",
}
_COLUMN_TYPES: dict[str, Any] = {
    "text": st.column_config.TextColumn,
    "date": st.column_config.DateColumn,
    "time": st.column_config.DatetimeColumn,
}
"""Units of columns that are not numbers."""


def page_header(title: str, caption: str, *, requires: str = "") -> None:
    """Show a page's title and caption.

    Args:
        title: of the page.
        caption: the question that it answers, in one sentence.
        requires: report without which the page is empty; where the shop lacks its data, the page says so and stops.
    """
    st.title(title)
    st.caption(caption)
    if requires:
        try:
            data.read_report(requires, filters.selected_filters())
        except MissingDataError as error:
            show_missing_data(error)
            st.stop()


def has_data(report: str) -> bool:
    """Return whether the shop has the data of a report."""
    try:
        data.read_report(report, filters.selected_filters())
    except MissingDataError:
        return False
    return True


def show_missing_data(error: MissingDataError) -> None:
    """Show which data the shop lacks."""
    st.info(_to_sentence(error))


def show_error(error: ShopwrightError) -> None:
    """Show why a page cannot go on, and the next step."""
    st.error(_to_sentence(error))


def metric_row(report: str, *columns: str) -> None:
    """Show columns of a report with a single row as large metrics.

    Args:
        report: its name.
        columns: names, in order; all columns if there are none.
    """
    try:
        table = data.read_report(report, filters.selected_filters())
    except MissingDataError as error:
        show_missing_data(error)
        return
    names = columns or tuple(column.name for column in table.report.columns)
    by_name = {column.name: column for column in table.report.columns}
    selected = [by_name[name] for name in names]
    headings = [
        f"{column.heading}, {table.currency}" if column.unit == "money" else column.heading
        for column in selected
    ]
    with st.container(border=True):
        # Streamlit cuts a heading that does not fit, so a longer one gets a wider column
        cells = st.columns([max(len(heading), _MIN_HEADING_WIDTH) for heading in headings])
        for cell, heading, column in zip(cells, headings, selected, strict=True):
            value = table.column(column.name)[0] if table.rows else None
            cell.metric(heading, format_value(value, column.unit), help=column.meaning)
        _show_footer(table)


def report_tile(report: str, draw: DrawChart | None = None, *, title: str = "") -> None:
    """Show a report as a tile: title, chart, definition, freshness, data tests, table and downloads.

    Args:
        report: its name.
        draw: returns its chart; without it the tile shows the table.
        title: replaces the report's own, for a second chart of one report on a page.
    """
    definition = find_report(report)
    with st.container(border=True):
        st.markdown(f"**{title or definition.title}**", help=definition.definition)
        try:
            table = data.read_report(report, filters.selected_filters())
        except MissingDataError as error:
            show_missing_data(error)
            return
        if not table.rows:
            st.info("No data for these filters.")
        elif draw is None:
            _show_rows(definition.columns, table.rows)
        else:
            show_chart(draw(table), key=f"chart {report} {title}")
        _show_footer(table)
        if table.rows and not title:  # the table of a second chart is that of the first
            _show_details(table, is_table_shown=draw is None)


def table_tile(
    name: str,
    title: str,
    definition: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    *,
    empty_text: str,
) -> None:
    """Show a table that is not a report as a tile.

    Args:
        name: of the downloaded files; unique on the page.
        title: of the tile.
        definition: what exactly it shows.
        columns: in order.
        rows: values in the order of the columns.
        empty_text: shown where there are no rows.
    """
    with st.container(border=True):
        st.markdown(f"**{title}**", help=definition)
        if rows:
            show_table(name, columns, rows)
        else:
            st.info(empty_text)


def show_chart(fig: go.Figure, *, key: str) -> None:
    """Show a chart in the reader's theme."""
    st.plotly_chart(fig, width="stretch", theme="streamlit", config=_PLOTLY_CONFIG, key=key)


def show_table(name: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> None:
    """Show a table with its downloads.

    Args:
        name: of the downloaded files; unique on the page.
        columns: in order.
        rows: values in the order of the columns.
    """
    _show_rows(columns, rows)
    _show_downloads(name, columns, rows)


def _show_details(table: Table, *, is_table_shown: bool) -> None:
    if is_table_shown:
        _show_downloads(table.report.name, table.report.columns, table.rows)
        return
    with st.expander("Definition, table and downloads"):
        st.caption(escape_markdown(table.report.definition))
        show_table(table.report.name, table.report.columns, table.rows)


def _show_rows(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> None:
    column_config = {
        column.name: _COLUMN_TYPES.get(column.unit, st.column_config.NumberColumn)(
            column.heading, help=column.meaning, **_format_argument(column)
        )
        for column in columns
    }
    height = min(400, 38 + 35 * max(1, len(rows)))
    # Streamlit leaves an undefined text blank, which looks like an empty one
    texts = [
        [
            UNDEFINED if value is None and column.unit == "text" else value
            for value, column in zip(row, columns, strict=True)
        ]
        for row in rows
    ]
    table = arrow_table(columns, texts, exact=False)
    st.dataframe(table, hide_index=True, column_config=column_config, height=height)


def _format_argument(column: Column) -> dict[str, str]:
    return {"format": _NUMBER_FORMATS[column.unit]} if column.unit in _NUMBER_FORMATS else {}


def _show_downloads(name: str, columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> None:
    buttons = st.container(horizontal=True)
    names = [column.name for column in columns]
    buttons.download_button(
        "CSV", csv_bytes(names, rows), f"{name}.csv", "text/csv", key=f"csv {name}", on_click="ignore"
    )
    buttons.download_button(
        "Parquet", parquet_bytes(arrow_table(columns, rows)), f"{name}.parquet",
        "application/vnd.apache.parquet", key=f"parquet {name}", on_click="ignore",
    )  # fmt: skip


def _show_footer(table: Table) -> None:
    notes = [format_freshness(table), format_ignored_filters(table, tuple(filters.selected_filters().active))]
    st.caption(escape_markdown(" · ".join(note for note in notes if note)))


def _to_sentence(error: ShopwrightError) -> str:
    """Return an error's message as Markdown: a capital letter, a period, and commands in backquotes as code."""
    text = str(error)
    text = text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
    return "`".join(
        part if index % 2 else escape_markdown(part) for index, part in enumerate(_split_code(text))
    )


def _split_code(text: str) -> list[str]:
    """Split at pairs of backquotes; a single one is text like any other."""
    segments = text.split("`")
    return segments if len(segments) % 2 else [text]
