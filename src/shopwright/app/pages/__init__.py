"""The pages, in the order of the menu; one file each, run by Streamlit as a script."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_DATES = ("first", "last")
_VISITS = (*_DATES, "device", "channel", "experiment")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the menu."""

    title: str
    file: str
    """Name of the script beside this module."""
    section: str
    """Heading that it stands under."""
    filters: tuple[str, ...] = ()
    """Filters that the side bar offers on it."""

    @property
    def path(self) -> Path:
        """The script."""
        return Path(__file__).parent / self.file

    @property
    def address(self) -> str:
        """The last part of its address; the first page's is the app's own."""
        return self.file.removesuffix(".py")


PAGES = (
    Page("Executive summary", "executive_summary.py", "Shop", _VISITS),
    Page("Sales performance", "sales.py", "Shop", _VISITS),
    Page("Products and categories", "products.py", "Shop", (*_DATES, "device", "channel", "category")),
    Page("Sellers and payments", "sellers_and_payments.py", "Shop"),
    Page("Engagement", "engagement.py", "Visitors", (*_DATES, "device", "channel", "experiment")),
    Page("Funnel and drop-off", "funnel.py", "Visitors", (*_DATES, "device", "channel", "category")),
    Page("Behaviour", "behaviour.py", "Visitors", _VISITS),
    Page("Cohorts and lifetime value", "cohorts.py", "Customers", _DATES),
    Page("Churn and segments", "churn_and_segments.py", "Customers"),
    Page("Experiments", "experiments.py", "Decisions"),
    Page("Real-time predictor", "predictor.py", "Decisions"),
    Page("Bulk prediction", "bulk_prediction.py", "Decisions"),
    Page("Models", "models.py", "Health"),
    Page("Data health", "data_health.py", "Health"),
)
"""All pages; the first is the one that opens."""
