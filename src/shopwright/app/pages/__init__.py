"""The pages, in the order of the menu; one script each, run by Streamlit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_DATES = ("first", "last")
_SESSION_FILTERS = (*_DATES, "device", "channel", "experiment")
_CATEGORY_FILTERS = (*_DATES, "device", "channel", "category")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the menu."""

    title: str
    file: str
    """Name of the script in this folder."""
    section: str
    """Menu section."""
    filters: tuple[str, ...] = ()
    """Filters that the side bar offers on it."""

    @property
    def path(self) -> Path:
        """The script."""
        return Path(__file__).parent / self.file

    @property
    def url_path(self) -> str:
        """The last segment of its URL; the first page is at the app's own."""
        return self.file.removesuffix(".py")


PAGES = (
    Page("Executive summary", "executive_summary.py", "Shop", _SESSION_FILTERS),
    Page("Sales performance", "sales.py", "Shop", _SESSION_FILTERS),
    Page("Products and categories", "products.py", "Shop", _CATEGORY_FILTERS),
    Page("Sellers and payments", "sellers_and_payments.py", "Shop"),
    Page("Engagement", "engagement.py", "Users", _SESSION_FILTERS),
    Page("Funnel and drop-off", "funnel.py", "Users", _CATEGORY_FILTERS),
    Page("Session behavior", "behavior.py", "Users", _SESSION_FILTERS),
    Page("Cohorts and lifetime value", "cohorts.py", "Customers", _DATES),
    Page("Churn and segments", "churn_and_segments.py", "Customers"),
    Page("Experiments", "experiments.py", "Decisions"),
    Page("Real-time predictor", "predictor.py", "Decisions"),
    Page("Bulk prediction", "bulk_prediction.py", "Decisions"),
    Page("Models", "models.py", "Health"),
    Page("Data health", "data_health.py", "Health"),
)
"""All pages; the first is the start page."""
