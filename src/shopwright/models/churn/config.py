"""Choices of the churn models that change a result."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, PositiveInt


class ChurnConfig(BaseModel, frozen=True):
    """Parameters of the naive recipe. The windows of the churn models are settings: ``[models.churn]``, ``[models.seller_churn]``."""

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
