"""Settings of experiments: what is tested on a shop's users, and how it is evaluated."""

from __future__ import annotations

import math
from datetime import date  # noqa: TC003  # pydantic reads it when the class is made
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt, model_validator

from shopwright.contracts.events import EVENT_TYPES
from shopwright.core.errors import near_match
from shopwright.metrics import METRICS
from shopwright.settings.strict import Strict


def _check_metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"no metric '{name}'{near_match(name, METRICS)}")
    return name


def _check_exposure(name: str) -> str:
    exposures = ("assigned", *EVENT_TYPES)
    if name not in exposures:
        raise ValueError(f"no exposure '{name}'{near_match(name, exposures)}")
    return name


MetricName = Annotated[str, AfterValidator(_check_metric)]
Exposure = Annotated[str, AfterValidator(_check_exposure)]
MIN_SHARE = 0.001
"""Ten of the 10,000 buckets; with fewer, rounding would distort the weights."""
Share = Annotated[float, Field(ge=0, le=1)]


class GuardrailSettings(Strict):
    """Metric that must not get worse."""

    metric: MetricName
    """Name of the metric."""
    worst_change: float = Field(0.05, gt=0, lt=1)
    """Largest acceptable relative change for the worse, as a share: 0.02 is 2%."""


class ExperimentDefinition(Strict):
    """An experiment: its variants, dates and metrics."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    """Name, in lower case."""
    hypothesis: str = Field(min_length=1)
    """Hypothesis, in a sentence; shown above the results."""
    unit: Literal["user", "session"] = "user"
    """Unit that is assigned to a variant and counted."""
    variants: dict[str, float] = Field(default_factory=lambda: {"control": 1.0, "treatment": 1.0})
    """Variant to weight; the first is the control."""
    traffic: float = Field(1.0, gt=0, le=1)
    """Share of the units that take part."""
    start: date
    """First day, a date of the shop."""
    end: date | None = None
    """Last day; without it the experiment has no end."""
    assignment: Literal["hash", "md5_parity", "stated", "exposures"] = "hash"
    """How units get their variant: ``hash`` (salted hash), ``md5_parity`` (parity of the id's MD5, odd is the second
    variant), ``stated`` (by the events), or ``exposures`` (by the shop's exposure log)."""
    salt: str = ""
    """Salt of the hash, which makes this split independent of all others; the experiment's name by default."""
    layer: str = ""
    """Layer: experiments in one layer divide its units, so that a unit is in at most one of them."""
    layer_range: tuple[Share, Share] = (0.0, 1.0)
    """Range of the layer's units that belong to this experiment, as two shares."""
    exposure: Exposure = "assigned"
    """What exposes a unit: ``assigned`` (its first session), or the first event of a type such as ``begin_checkout``."""
    primary_metric: MetricName = "conversion_rate"
    """Metric that decides."""
    secondary_metrics: tuple[MetricName, ...] = ()
    """Further metrics, with p-values corrected for their number."""
    guardrails: tuple[GuardrailSettings, ...] = ()
    """Metrics that must not get worse."""
    minimum_detectable_effect: float = Field(0.05, gt=0)
    """Smallest relative change worth detecting, as a share; it determines the sample size."""
    alpha: float = Field(0.05, gt=0, lt=0.5)
    """Accepted false positive rate."""
    power: float = Field(0.8, gt=0.5, lt=1)
    """Required probability of detecting the minimum detectable effect."""
    correction: Literal["holm", "benjamini-hochberg", "none"] = "holm"
    """Correction of p-values for the number of variants and of metrics in one role."""
    sequence_units: PositiveInt = 10_000
    """Units of two variants at which always-valid intervals are narrowest. Part of the plan: changing it after a look
    makes the results invalid."""
    winsorize: float | None = Field(None, gt=0.5, lt=1)
    """Quantile of the units with any at which amounts and counts are capped (winsorization); no caps by default."""
    pre_period_days: NonNegativeInt = 28
    """Days before the start whose activity is used to reduce noise (CUPED); 0 turns it off."""

    @model_validator(mode="after")
    def _check_variants(self) -> ExperimentDefinition:
        if len(self.variants) < 2:
            raise ValueError("variants needs at least two, the control first")
        if not all(name.strip() for name in self.variants):
            raise ValueError("a variant needs a name")
        if not all(0 < weight < math.inf for weight in self.variants.values()):
            raise ValueError("a variant's weight must be above 0 and finite")
        if min(self.shares.values()) * self.traffic < MIN_SHARE:
            raise ValueError(f"a variant's share of the units is below {MIN_SHARE:.2%}; give it more weight")
        return self

    @model_validator(mode="after")
    def _check_assignment(self) -> ExperimentDefinition:
        if self.assignment == "md5_parity" and (
            len(self.variants) != 2 or len(set(self.variants.values())) > 1
        ):
            raise ValueError("assignment md5_parity needs exactly two variants of equal weight")
        if self.assignment != "hash" and self.traffic < 1:
            raise ValueError(f"traffic below 1 works only with assignment hash, not {self.assignment}")
        return self

    @model_validator(mode="after")
    def _check_times(self) -> ExperimentDefinition:
        if self.end is not None and self.end < self.start:
            raise ValueError(f"end {self.end} is before start {self.start}")
        if self.layer_range[0] >= self.layer_range[1]:
            raise ValueError("layer_range must go from a smaller share to a larger one")
        if self.layer_range != (0.0, 1.0) and not self.layer:
            raise ValueError("layer_range needs the name of a layer")
        return self

    @model_validator(mode="after")
    def _check_metrics(self) -> ExperimentDefinition:
        metrics = [self.primary_metric, *self.secondary_metrics]
        repeated = {name for name in metrics if metrics.count(name) > 1}
        if repeated:
            raise ValueError(f"metric '{repeated.pop()}' is listed twice")
        guardrails = [guardrail.metric for guardrail in self.guardrails]
        repeated = {name for name in guardrails if guardrails.count(name) > 1}
        if repeated:
            raise ValueError(f"guardrail '{repeated.pop()}' is listed twice")
        return self

    @property
    def control(self) -> str:
        """Variant that the others are compared with."""
        return next(iter(self.variants))

    @property
    def shares(self) -> dict[str, float]:
        """Each variant with its share of the units that take part."""
        total = sum(self.variants.values())
        return {name: weight / total for name, weight in self.variants.items()}

    def overlaps(self, other: ExperimentDefinition) -> bool:
        """Return whether both can have the same unit of one layer on the same day."""
        is_disjoint = (
            self.layer_range[1] <= other.layer_range[0] or other.layer_range[1] <= self.layer_range[0]
        )
        is_over = (self.end is not None and self.end < other.start) or (
            other.end is not None and other.end < self.start
        )
        return self.layer == other.layer and not is_disjoint and not is_over

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all its metrics, the primary one first, each once."""
        names = (
            self.primary_metric,
            *self.secondary_metrics,
            *(guardrail.metric for guardrail in self.guardrails),
        )
        return tuple(dict.fromkeys(names))
