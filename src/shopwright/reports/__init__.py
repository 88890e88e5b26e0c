"""Named tables over gold for the app, the HTTP API and the command line.

Each report is defined once: what it counts, which data it requires, which filters it accepts. The service, the app's pages
and ``shopwright report`` all read through this package, so that a number is the same wherever it appears. How an experiment
is analyzed and how a model scores does not belong here but in their packages; what they write to gold does.
"""

from shopwright.reports.catalog import REPORTS, find_report
from shopwright.reports.filter_values import FilterValues, read_filter_values
from shopwright.reports.loader import adapt_to_shop, read_report
from shopwright.reports.published_warehouse import PublishedWarehouse
from shopwright.reports.report import FILTERS, Column, DataTestCounts, Filters, Freshness, Report, Table, Unit

__all__ = [
    "FILTERS",
    "REPORTS",
    "Column",
    "DataTestCounts",
    "FilterValues",
    "Filters",
    "Freshness",
    "PublishedWarehouse",
    "Report",
    "Table",
    "Unit",
    "adapt_to_shop",
    "find_report",
    "read_filter_values",
    "read_report",
]
