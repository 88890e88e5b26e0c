"""Responses about customers."""

from __future__ import annotations

from datetime import date  # noqa: TC003  # pydantic reads it when the class is made

from pydantic import Field

from shopwright.service.schemas.sessions import (
    RiskBand,  # as above
    ScoreResponse,
)


class CustomerScore(ScoreResponse):
    """Fields of every customer score."""

    customer_id: str
    snapshot_date: date
    """The score uses data before this date."""


class Churn(CustomerScore):
    """Churn score of a customer."""

    probability: float = Field(ge=0, le=1)
    """Calibrated probability of no order within `horizon_days` of `[models.churn]` (90 by default)."""
    risk_band: RiskBand


class LifetimeValue(CustomerScore):
    """Predicted value of a customer."""

    currency: str
    probability_alive: float | None
    """Probability that the customer buys again at any time; null where the model does not predict it."""
    horizon_days: int | None = None
    """Days from the snapshot date that the following predictions cover; null in scores of earlier releases."""
    horizon_purchases: float | None = None
    """Expected number of days with a purchase in that time."""
    horizon_value: float | None = None
    """Expected net sales in that time, in the currency."""
    horizon_value_lower: float | None = None
    """Lower end of the 80% prediction interval."""
    horizon_value_upper: float | None = None
    """Upper end of the 80% prediction interval."""
    long_horizon_days: int | None = None
    """Days from the snapshot date that the following predictions cover; null in scores of earlier releases."""
    long_horizon_purchases: float | None = None
    """As for the first horizon; null where the model was not trained for this one."""
    long_horizon_value: float | None = None
    long_horizon_value_lower: float | None = None
    long_horizon_value_upper: float | None = None


class Segment(CustomerScore):
    """Segment of a customer."""

    segment: int
    segment_name: str
    rfm_class: str | None = None
    """RFM class by the customer's own three scores; null for scores from before there were classes."""
    campaign: str | None
    """Suggested campaign for the segment."""
    recency_score: int | None
    """1 to 5; 5 is best."""
    frequency_score: int | None
    monetary_score: int | None
    moved_from: int | None
    """Segment at the latest snapshot at least a month earlier; null for someone who was not a customer then."""
