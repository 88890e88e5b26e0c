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
    """ScoreResponse by what was known before this date began."""


class Churn(CustomerScore):
    """Whether a customer will leave."""

    probability: float = Field(ge=0, le=1)
    """Calibrated probability of no order in the next 90 days."""
    risk_band: RiskBand


class LifetimeValue(CustomerScore):
    """What a customer is expected to spend."""

    currency: str
    probability_alive: float | None
    """Chance that the customer will ever come back; null where the model does not tell."""
    purchases_182d: float | None
    """Expected days with a purchase in the 182 days from the date on."""
    value_182d: float | None
    """Expected net value in those days, in the currency."""
    value_182d_lower: float | None
    """Lower bound of the interval that holds the value with a chance of 80 %."""
    value_182d_upper: float | None
    purchases_365d: float | None
    """As for 182 days; null where the model did not learn that horizon."""
    value_365d: float | None
    value_365d_lower: float | None
    value_365d_upper: float | None


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
