"""The reference page of all reports in Markdown: definitions, filters and columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.core.markdown import format_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopwright.reports.report import Report

_INTRODUCTION = """\
# Reports

<!-- Written by `make docs` from shopwright.reports; edit there. -->

The named tables behind the app's pages, `shopwright report NAME` and `GET /v1/reports/NAME`. Each is defined once, so that
a number is the same wherever it appears. A rate without a denominator is undefined (null), never 0. Shares are from 0 to 1,
money is in the shop's currency, times are UTC, dates are in the shop's time zone."""


def render(reports: Sequence[Report]) -> str:
    """Render the page.

    Returns:
        Markdown, ending in a newline: an overview, then the definition, filters and columns of each report.
    """
    rows = [(f"[`{report.name}`](#{report.name})", report.title, _filters(report)) for report in reports]
    overview = format_table(("report", "shows", "filters"), rows)
    return "\n\n".join([_INTRODUCTION, overview, *map(_section, reports)]) + "\n"


def _section(report: Report) -> str:
    tables = ", ".join(f"`gold.{name}`" for name in report.requires)
    summary = f"{report.definition}\n\nReads {tables}. Filters: {_filters(report)}."
    columns = [(f"`{column.name}`", column.unit, column.meaning) for column in report.columns]
    return f"## {report.name}\n\n{summary}\n\n{format_table(('column', 'unit', 'meaning'), columns)}"


def _filters(report: Report) -> str:
    return ", ".join(report.filters) or "none"
