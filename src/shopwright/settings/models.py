"""Settings of models: how they are trained, where their runs are stored, and the time windows of their questions."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from shopwright.settings.strict import Strict

_STORES = re.compile(r"(https?|sqlite|postgresql|mysql|mssql)(\+\w+)?://.+|databricks(://.+)?")

FEATURE_WINDOW_DAYS = 180
"""Days that features of churn look back, as their names say (``order_count_180d``). Nobody without an order in them has any."""
MAX_HORIZON_DAYS = 1_826
"""Maximum horizon: five years. Outcomes take as long to become known."""

ActiveDays = Annotated[int, Field(ge=1, le=FEATURE_WINDOW_DAYS)]
HorizonDays = Annotated[int, Field(ge=1, le=MAX_HORIZON_DAYS)]


class ChurnSettings(Strict):
    """Time windows of customer churn. A change makes the next build a full refresh; train a new version after it."""

    active_days: ActiveDays = 180
    """A customer is active, and scored, with an order in this many days before the snapshot (at most 180, which is how far
    features look back)."""

    horizon_days: HorizonDays = 90
    """An active customer has churned without an order in this many days from the snapshot on."""


class SellerChurnSettings(Strict):
    """Time windows of seller churn. A change makes the next build a full refresh; train a new version after it."""

    active_days: ActiveDays = 180
    """A seller is active, and scored, with a sale in this many days before the snapshot (at most 180, which is how far
    features look back)."""

    horizon_days: HorizonDays = 182
    """An active seller has churned without a sale in this many days from the snapshot on."""


class LifetimeValueSettings(Strict):
    """Horizons of lifetime value. A change makes the next build a full refresh; train a new version after it."""

    horizon_days: HorizonDays = 182
    """Days ahead that purchases and value are predicted for, and that models are selected and evaluated by."""

    long_horizon_days: HorizonDays = 365
    """Days ahead of a second prediction, more than ``horizon_days``; evaluated where that much is known."""

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.long_horizon_days <= self.horizon_days:
            raise ValueError(
                f"long_horizon_days is {self.long_horizon_days}, expected more than horizon_days ({self.horizon_days})"
            )
        return self


class ModelSettings(Strict):
    """How models are trained, where their runs are stored, and the time windows of their questions."""

    # Left out of every printed form, since it may contain a password.
    tracking_uri: str | None = Field(None, repr=False)
    """MLflow tracking server or database; if not set, a file in the project's ``models`` folder."""

    seed: NonNegativeInt = 1
    """Seed of every random choice: the same data and seed give the same model."""

    trials: PositiveInt = 20
    """Number of hyperparameter settings to try for each candidate model."""

    max_rows: PositiveInt = 1_000_000
    """Maximum number of rows a model learns from; of more, whole users or customers are sampled."""

    run: tuple[str, ...] = ()
    """Models that ``shopwright run`` trains and scores with when there is new data."""

    churn: ChurnSettings = ChurnSettings()
    """Time windows of customer churn."""

    seller_churn: SellerChurnSettings = SellerChurnSettings()
    """Time windows of seller churn."""

    lifetime_value: LifetimeValueSettings = LifetimeValueSettings()
    """Horizons of lifetime value."""

    @field_validator("tracking_uri")
    @classmethod
    def _check_store(cls, uri: str | None) -> str | None:
        if uri is not None and not _STORES.fullmatch(uri):
            raise ValueError(
                "not an MLflow tracking server or database. Use one such as 'https://mlflow.example.com', "
                "'sqlite:///models.db' or 'postgresql://user@host/mlflow'"
            )
        return uri
