"""Choices of the abandonment model that change a result."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, PositiveInt


class AbandonmentConfig(BaseModel, frozen=True):
    """Parameters of the recipe that tutorials copy, for the baseline and the naive recipe."""

    recipe_settings: dict[str, Any] = {"trees": 100, "max_depth": 4, "learning_rate": 0.1}
    """XGBoost parameters of the recipe."""
    recipe_seed: int = 42
    """Seed of the recipe's split and fits."""
    recipe_test_share: float = Field(default=0.2, gt=0, lt=1)
    """Share of the sessions that the recipe tests on."""
    recipe_min_sessions: PositiveInt = 100
    """Minimum number of sessions of either outcome to run the naive recipe."""
    recipe_max_rows: PositiveInt = 1_000_000
    """Maximum number of rows that the naive recipe reads."""


CONFIG = AbandonmentConfig()
