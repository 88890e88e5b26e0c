"""Choices that change how customers are segmented."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, PositiveInt, model_validator

Share = Annotated[float, Field(gt=0, lt=1)]


class SegmentationConfig(BaseModel, frozen=True, extra="forbid"):
    """Choices that change the answer; stored with the model."""

    features: tuple[str, ...] = (
        "recency_days",
        "is_one_time_buyer",
        "mean_days_between_orders",
        "spend_per_month",
        "refund_rate",
    )
    """Features that customers are grouped by: few and complementary. Clusters on many overlapping features are oblique
    to each of them, so that no short rule separates them, and they change with the sample."""

    min_segments: Annotated[int, Field(ge=2)] = 3
    """Minimum number of segments. Two would only separate good customers from others."""

    max_segments: Annotated[int, Field(le=20)] = 8
    """Maximum number of segments; more are too many to plan campaigns for."""

    min_stability: Share = 0.8
    """Minimum mean adjusted Rand index between clusterings of resampled customers, for a number of segments to be stable."""

    silhouette_leeway: Share = 0.1
    """Share by which the silhouette of the chosen number may be below the best one."""

    elbow_leeway: Share = 0.15
    """Share by which the elbow of the chosen number may be below the greatest one, since more segments are more informative."""

    min_share: Share = 0.01
    """Minimum share of the customers in the smallest segment, for a number of segments to be chosen."""

    starts: PositiveInt = 5
    """Random starts of each k-means, of which the best is used."""

    resamples: Annotated[int, Field(ge=2)] = 10
    """Resamples whose clusterings are compared pairwise."""

    max_compared: Annotated[int, Field(ge=100)] = 5_000
    """Maximum number of customers to measure stability on (half of it for the silhouette); of more, a sample is used."""

    max_leaves: Annotated[int, Field(ge=2)] = 32
    """Rules that restate the segments; fewer are taken where they do as well."""

    min_leaf_share: Share = 0.003
    """Minimum share of the training customers behind a rule."""

    min_agreement: Share = 0.94
    """Minimum share of the held-out customers whom the rules put into the right segment, for a segmentation to go live."""

    min_macro_f1: Share = 0.86
    """Minimum mean F1 of the rules over segments on the held-out customers, for a segmentation to go live."""

    held_out: Share = 0.3
    """Share of the customers held out to measure rules and importances on."""

    shuffles: PositiveInt = 5
    """Number of shuffles of each feature to measure its importance."""

    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    """Seed of every random choice."""

    @model_validator(mode="after")
    def _check_order(self) -> SegmentationConfig:
        if self.min_segments > self.max_segments:
            raise ValueError(
                f"min_segments is {self.min_segments}, expected at most max_segments, which is {self.max_segments}"
            )
        return self
