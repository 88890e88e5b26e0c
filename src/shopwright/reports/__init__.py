"""Named tables over gold that people and the API read.

Each is defined once: what is counted, what it needs, what it may be narrowed to. The service, the app's pages and
``shopwright report`` all read through here, so that a number is equal wherever it stands. How an experiment is read and how
a model scores is not here: that belongs to their rooms; what they left in gold is.
"""

from shopwright.reports.choices import Choices, read_choices
from shopwright.reports.customers import CUSTOMERS
from shopwright.reports.decisions import DECISIONS
from shopwright.reports.funnel import FUNNELS
from shopwright.reports.health import HEALTH
from shopwright.reports.listing import find
from shopwright.reports.model import FILTERS, Column, Filters, Freshness, Health, Report, Table, Unit
from shopwright.reports.products import PRODUCTS
from shopwright.reports.published import PublishedWarehouse
from shopwright.reports.reading import in_shop, read_report
from shopwright.reports.sales import SALES
from shopwright.reports.sellers import SELLERS
from shopwright.reports.visits import VISITS

__all__ = [
    "FILTERS",
    "REPORTS",
    "Choices",
    "Column",
    "Filters",
    "Freshness",
    "Health",
    "PublishedWarehouse",
    "Report",
    "Table",
    "Unit",
    "find_report",
    "in_shop",
    "read_choices",
    "read_report",
]

REPORTS = (*VISITS, *FUNNELS, *SALES, *PRODUCTS, *CUSTOMERS, *SELLERS, *DECISIONS, *HEALTH)
"""All reports, in the order of the pages that show them."""


def find_report(name: str) -> Report:
    """The report of a name.

    Raises:
        ConfigurationError: there is none.
    """
    return find(name, REPORTS)
