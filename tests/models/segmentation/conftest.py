"""Customers for the tests of segmentation."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shopwright.models.segmentation.config import SegmentationConfig
from shopwright.models.segmentation.customers import NAMES, Customers, make_customers
from shopwright.models.segmentation.train import fit_segmentation

if TYPE_CHECKING:
    from shopwright.models.segmentation.model import Segmentation

KINDS = (
    # share, recency, orders, days between, ticket, refund rate
    (0.15, 12, 14, 20, 220, 0.02),
    (0.35, 45, 5, 60, 60, 0.02),
    (0.30, 20, 1, np.nan, 40, 0.0),
    (0.20, 280, 1, np.nan, 40, 0.0),
)


def customer_rows(**columns) -> np.ndarray:
    """Values of customers, (n, features): what is given, and 1 elsewhere."""
    size = len(next(iter(columns.values())))
    given = {name: np.asarray(values, dtype=float) for name, values in columns.items()}
    return np.column_stack([given.get(name, np.ones(size)) for name in NAMES])


def planted_customers(size: int, seed: int) -> tuple[Customers, np.ndarray]:
    """Customers of four kinds, and which kind each is of."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(len(KINDS), size, p=[kind[0] for kind in KINDS])
    drawn = [np.array([kind[place] for kind in KINDS])[kinds] for place in range(1, 6)]
    recency, orders, gap, ticket, refunds = starmap(
        lambda values, spread: values * np.exp(rng.normal(0, spread, size)),
        zip(drawn, (0.25, 0.15, 0.15, 0.2, 0.3), strict=True),
    )
    orders = np.where(np.isnan(gap), 1, np.maximum(2, orders.round()))
    tenure = recency + np.where(np.isnan(gap), 0, gap * (orders - 1))
    months = np.maximum(tenure, 30) / 30
    values = customer_rows(
        recency_days=recency,
        frequency=orders,
        monetary=orders * ticket * (1 - refunds),
        is_one_time_buyer=orders == 1,
        mean_days_between_orders=gap,
        mean_ticket=ticket,
        mean_distinct_items=np.exp(rng.normal(1, 0.5, size)),
        mean_quantity=np.exp(rng.normal(2, 0.5, size)),
        spend_per_month=orders * ticket * (1 - refunds) / months,
        orders_per_month=orders / months,
        refund_rate=refunds,
        tenure_days=tenure,
    )
    return make_customers([f"c{number:06d}" for number in range(size)], values), kinds


@pytest.fixture(scope="session")
def quick() -> SegmentationConfig:
    """Chosen for speed: few resamples, and up to six segments."""
    return SegmentationConfig(max_segments=6, resamples=4, starts=3, max_compared=1_000, shuffles=2)


@pytest.fixture(scope="session")
def planted() -> tuple[Customers, np.ndarray]:
    return planted_customers(1_500, seed=7)


@pytest.fixture(scope="session")
def segmentation(planted, quick) -> Segmentation:
    return fit_segmentation(planted[0], quick)
