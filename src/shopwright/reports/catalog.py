"""The list of all reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.core.errors import ConfigurationError, near_match
from shopwright.reports.customers import CUSTOMER_REPORTS
from shopwright.reports.decisions import DECISION_REPORTS
from shopwright.reports.funnel import FUNNEL_REPORTS
from shopwright.reports.health import HEALTH_REPORTS
from shopwright.reports.products import PRODUCT_REPORTS
from shopwright.reports.sales import SALES_REPORTS
from shopwright.reports.sellers import SELLER_REPORTS
from shopwright.reports.sessions import SESSION_REPORTS

if TYPE_CHECKING:
    from shopwright.reports.report import Report

REPORTS = (
    *SESSION_REPORTS,
    *FUNNEL_REPORTS,
    *SALES_REPORTS,
    *PRODUCT_REPORTS,
    *CUSTOMER_REPORTS,
    *SELLER_REPORTS,
    *DECISION_REPORTS,
    *HEALTH_REPORTS,
)
"""All reports, in the order of the pages that show them."""


def find_report(name: str) -> Report:
    """Return the report with this name.

    Raises:
        ConfigurationError: unknown name.
    """
    by_name = {report.name: report for report in REPORTS}
    if name not in by_name:
        raise ConfigurationError(f"no report '{name}'{near_match(name, by_name)}")
    return by_name[name]
