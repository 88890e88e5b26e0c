"""What is answered of customers."""

from __future__ import annotations

from datetime import date  # noqa: TC003  # pydantic reads it when the class is made

from pydantic import Field

from shopwright.service.schemas.sessions import (
    RiskBand,  # as above
    ScoreResponse,
)


class CustomerScore(ScoreResponse):
    """What every score of a customer says."""

    customer_id: str
    snapshot_date: date
    """Scored by what was known before this date began."""


class Churn(CustomerScore):
    """Whether a customer will leave."""

    probability: float = Field(ge=0, le=1)
    """Calibrated probability of no order within `horizon_days` of `[models.churn]` (90 by default)."""
    risk_band: RiskBand


class LifetimeValue(CustomerScore):
    """What a customer is expected to spend."""

    currency: str
    probability_alive: float | None
    """Probability that the customer will ever come back; null where the model has none."""
    horizon_days: int | None = None
    """Days from the date on that the following predictions are for; null in scores of earlier releases."""
    horizon_purchases: float | None = None
    """Expected days with a purchase in those days."""
    horizon_value: float | None = None
    """Expected net value in those days, in the currency."""
    horizon_value_lower: float | None = None
    """Lower bound of the 80% interval of the value."""
    horizon_value_upper: float | None = None
    """Upper bound of the 80% interval of the value."""
    long_horizon_days: int | None = None
    """Days from the date on that the following predictions are for; null in scores of earlier releases."""
    long_horizon_purchases: float | None = None
    """As for the first horizon; null where the model did not learn this one."""
    long_horizon_value: float | None = None
    long_horizon_value_lower: float | None = None
    long_horizon_value_upper: float | None = None


class Segment(CustomerScore):
    """Which customers a customer is like."""

    segment: int
    segment_name: str
    rfm_class: str | None = None
    """Usual name of such scores by the customer's own three; null where they were given before there were classes."""
    campaign: str | None
    """What is usually done for such customers; a suggestion."""
    recency_score: int | None
    """1 to 5; 5 is best."""
    frequency_score: int | None
    monetary_score: int | None
    moved_from: int | None
    """Segment at the last snapshot at least a month before; null for who was no customer then."""
