"""Choices that change what a classifier learns or how it is evaluated."""

from __future__ import annotations

from pydantic import BaseModel, Field, PositiveInt


class ClassifierConfig(BaseModel, frozen=True):
    """Limits of training and evaluation that all classifiers share; seed and budget are settings of the project."""

    min_rows: PositiveInt = 500
    """Minimum number of decisions with a known outcome."""
    min_rows_per_class: PositiveInt = 30
    """Minimum number of decisions of either outcome in each window; fewer cannot evaluate anything."""
    masked_share: float = Field(default=0.3, ge=0, lt=1)
    """Share of the training rows in which optional features are left out, so that the model is used to partial input."""
    max_levels: PositiveInt = 20
    """Maximum number of levels of a category with a column of their own; the most frequent ones."""
    min_rows_per_level: PositiveInt = 50
    """Minimum number of rows for a level to get a column."""
    importance_rows: PositiveInt = 5_000
    """Maximum number of rows that feature importance is averaged over."""
    cost_points: PositiveInt = 50
    """Thresholds of the stored cost curve."""
    sample_pool: PositiveInt = 10
    """Rows read for each row of a sample of contributions; whole entities are read, so a larger pool mixes more of them."""


DEFAULT_CONFIG = ClassifierConfig()
