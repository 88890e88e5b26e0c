"""The reports as one Markdown page: what each counts, what it may be narrowed to, and its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.core.markdown import format_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopwright.reports.model import Report

_INTRODUCTION = """\
# Reports

<!-- Written by `make docs` from shopwright.reports; edit there. -->

The named tables behind the app's pages, `shopwright report NAME` and `GET /v1/metrics/NAME`. Each is defined once, so that
a number is equal wherever it stands. A rate over nothing is undefined (null), never 0. Shares are from 0 to 1, money is in
the shop's currency, times are UTC, dates are of the shop's zone."""


def render(reports: Sequence[Report]) -> str:
    """Write the page.

    Returns:
        Markdown, ending in a newline: an overview, then per report its definition, filters and columns.
    """
    rows = [(f"[`{report.name}`](#{report.name})", report.title, _filters(report)) for report in reports]
    overview = format_table(("report", "shows", "filters"), rows)
    return "\n\n".join([_INTRODUCTION, overview, *map(_section, reports)]) + "\n"


def _section(report: Report) -> str:
    needs = ", ".join(f"`gold.{name}`" for name in report.needs)
    facts = f"{report.definition}\n\nReads {needs}. Filters: {_filters(report)}."
    columns = [(f"`{column.name}`", column.unit, column.meaning) for column in report.columns]
    return f"## {report.name}\n\n{facts}\n\n{format_table(('column', 'unit', 'meaning'), columns)}"


def _filters(report: Report) -> str:
    return ", ".join(report.filters) or "none"
