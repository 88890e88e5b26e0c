"""What may be chosen when customers are segmented."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, PositiveInt, model_validator

Share = Annotated[float, Field(gt=0, lt=1)]


class SegmentationConfig(BaseModel, frozen=True, extra="forbid"):
    """Choices that change the answer; kept with the model."""

    features: tuple[str, ...] = (
        "recency_days",
        "is_one_time_buyer",
        "mean_days_between_orders",
        "spend_per_month",
        "refund_rate",
    )
    """What customers are grouped by: few, and each says something that the others do not. Groups on many overlapping
    features lie askew to each of them, so that no short rule tells them apart, and change with the sample."""

    least_segments: Annotated[int, Field(ge=2)] = 3
    """Two groups seldom are a segmentation: they only part good customers from others."""

    most_segments: Annotated[int, Field(le=20)] = 8
    """More than these nobody plans campaigns for."""

    least_stability: Share = 0.8
    """Mean adjusted Rand index between groupings of resampled customers from which on a number of groups is stable."""

    silhouette_leeway: Share = 0.1
    """Share by which the silhouette of a chosen number may lie below the best one."""

    elbow_leeway: Share = 0.15
    """Share by which the elbow of a chosen number may lie below the greatest one: more segments say more."""

    least_share: Share = 0.01
    """A number of segments is not chosen if the smallest has a smaller share of the customers than this."""

    starts: PositiveInt = 5
    """Starts of each k-means; the best one counts."""

    resamples: Annotated[int, Field(ge=2)] = 10
    """Resamples whose groupings are compared, each with each."""

    most_compared: Annotated[int, Field(ge=100)] = 5_000
    """Beyond these many customers, stability and silhouette are measured on a sample (the silhouette on half of it)."""

    most_leaves: Annotated[int, Field(ge=2)] = 32
    """Rules that restate the segments; fewer are taken where they do as well."""

    least_leaf_share: Share = 0.003
    """Share of the customers that a rule is learned from at least."""

    least_agreement: Share = 0.94
    """Share of the held-out customers whose segment the rules must tell, for a segmentation to serve."""

    least_macro_f1: Share = 0.86
    """F1 of the rules on the held-out customers, the mean over segments, for a segmentation to serve."""

    held_out: Share = 0.3
    """Share of the customers that rules and importances are measured on and do not learn from."""

    shuffles: PositiveInt = 5
    """How often each feature is shuffled to measure its importance."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1

    @model_validator(mode="after")
    def _check_order(self) -> SegmentationConfig:
        if self.least_segments > self.most_segments:
            raise ValueError(
                f"least_segments is {self.least_segments}, more than most_segments, which is {self.most_segments}"
            )
        return self
