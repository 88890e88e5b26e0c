"""Choices of the churn models that change a result."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, PositiveInt


class ChurnConfig(BaseModel, frozen=True):
    """Windows of the two churn models, as the dbt models cut them, and parameters of the naive recipe."""

    active_days: PositiveInt = 180
    """Customers and sellers are scored if they had an order or sale in this many days before the snapshot."""
    customer_horizon_days: PositiveInt = 90
    """Days without an order after the snapshot that make a customer churned."""
    seller_horizon_days: PositiveInt = 182
    """Days without a sale after the snapshot that make a seller churned."""
    recipe_settings: dict[str, Any] = {"trees": 200, "max_depth": 5, "learning_rate": 0.1}
    """XGBoost parameters of the naive recipe."""
    recipe_seed: int = 42
    """Seed of the naive recipe's split and fits."""
    recipe_test_share: float = Field(default=0.2, gt=0, lt=1)
    """Share of the customers that the naive recipe tests on."""
    recipe_min_customers: PositiveInt = 1_000
    """Minimum number of churned and of other customers to run the naive recipe."""
    recipe_inactive_days: PositiveInt = 180
    """Days without an order at the end of the data that the naive recipe calls churned."""


CONFIG = ChurnConfig()
