"""Choices that change what is predicted of customers' spending."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, Field, PositiveInt, model_validator

if TYPE_CHECKING:
    from shopwright.settings import ModelSettings

EARLIER_HORIZONS = {"horizon_days": 182, "long_horizon_days": 365}
"""Horizons of artifacts that do not state them: earlier releases had no others."""


class LifetimeValueConfig(BaseModel, frozen=True, extra="forbid"):
    """Choices that change the answer; stored with the model.

    The horizons come from the project's settings (``[models.lifetime_value]``), which also define the outcomes of the
    feature view.
    """

    horizon_days: PositiveInt
    """Days ahead that models are selected, evaluated and explained at."""

    long_horizon_days: PositiveInt
    """Days ahead of the second prediction, longer than the first."""

    interval_level: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """Probability that a customer's spending lies in the predicted interval."""

    min_buyers: PositiveInt = 200
    """Minimum number of training rows with a purchase, and of those without one, to fit boosted trees."""

    bias_tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Maximum difference between predicted and actual total for a model to go live, as a share of the actual total."""

    @classmethod
    def from_settings(cls, settings: ModelSettings) -> Self:
        """Return the configuration for a project."""
        windows = settings.lifetime_value
        return cls(horizon_days=windows.horizon_days, long_horizon_days=windows.long_horizon_days)

    @property
    def horizons(self) -> tuple[int, int]:
        """Both horizons in days, the shorter one first."""
        return self.horizon_days, self.long_horizon_days

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.horizon_days >= self.long_horizon_days:
            raise ValueError(
                f"long_horizon_days is {self.long_horizon_days}, expected more than horizon_days, which is {self.horizon_days}"
            )
        return self
