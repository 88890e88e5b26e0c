"""What is tried on a shop's visitors, and how it will be judged."""

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
    known = ("assigned", *EVENT_TYPES)
    if name not in known:
        raise ValueError(f"no exposure '{name}'{near_match(name, known)}")
    return name


MetricName = Annotated[str, AfterValidator(_check_metric)]
Exposure = Annotated[str, AfterValidator(_check_exposure)]
SMALLEST_SHARE = 0.001
"""Ten of the 10,000 buckets; less could not be told from a rounding."""
Share = Annotated[float, Field(ge=0, le=1)]


class GuardrailSettings(Strict):
    """A metric that the change must not harm."""

    metric: MetricName
    """Name of the metric."""
    worst_change: float = Field(0.05, gt=0, lt=1)
    """Relative change to the worse that is still acceptable, as a share: 0.02 is two percent."""


class ExperimentDefinition(Strict):
    """One experiment."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)
    """Its name, in lower case."""
    hypothesis: str = Field(min_length=1)
    """What is believed, in a sentence; it heads every read-out."""
    unit: Literal["user", "session"] = "user"
    """What is assigned to a variant, and counted."""
    variants: dict[str, float] = Field(default_factory=lambda: {"control": 1.0, "treatment": 1.0})
    """Variant to weight; the first is the control."""
    traffic: float = Field(1.0, gt=0, le=1)
    """Share of the units that take part."""
    start: date
    """First day, a date of the shop."""
    end: date | None = None
    """Last day; still running where not given."""
    assignment: Literal["hash", "md5_parity", "stated", "exposures"] = "hash"
    """By the salted hash, by the parity of the id's MD5 (odd is the second variant), as the events state it, or as
    the entity exposures does."""
    salt: str = ""
    """What makes this experiment's split differ from all others; its name where not given."""
    layer: str = ""
    """Experiments that name one layer share its units out: each takes those of its own range."""
    layer_range: tuple[Share, Share] = (0.0, 1.0)
    """From which to which share of the layer."""
    exposure: Exposure = "assigned"
    """When a unit begins to count: as soon as it comes, or with the first event of a type such as begin_checkout."""
    primary_metric: MetricName = "conversion_rate"
    """What decides."""
    secondary_metrics: tuple[MetricName, ...] = ()
    """What is looked at too, corrected for their number."""
    guardrails: tuple[GuardrailSettings, ...] = ()
    """What must not get worse."""
    minimum_detectable_effect: float = Field(0.05, gt=0)
    """Smallest relative change that matters, as a share; it sizes the experiment."""
    alpha: float = Field(0.05, gt=0, lt=0.5)
    """Chance of a false alarm that is accepted."""
    power: float = Field(0.8, gt=0.5, lt=1)
    """Chance that is wanted of finding the smallest change that matters."""
    correction: Literal["holm", "benjamini-hochberg", "none"] = "holm"
    """How p-values are corrected for the number of variants and of metrics in one role."""
    sequence_units: PositiveInt = 10_000
    """Units of two variants at which the read-out that holds at every look is tightest. Part of the plan: what is
    changed while looking is no longer valid."""
    winsorize: float | None = Field(None, gt=0.5, lt=1)
    """A unit's amounts and counts are cut to this quantile of the units that have any; not at all where not given."""
    pre_period_days: NonNegativeInt = 28
    """Days before the start whose behaviour explains part of the noise away (CUPED); 0 for none."""

    @model_validator(mode="after")
    def _check_variants(self) -> ExperimentDefinition:
        if len(self.variants) < 2:
            raise ValueError("variants needs two at least, the control first")
        if not all(name.strip() for name in self.variants):
            raise ValueError("a variant needs a name")
        if not all(0 < weight < math.inf for weight in self.variants.values()):
            raise ValueError("a variant's weight has to be above 0 and finite")
        if min(self.shares.values()) * self.traffic < SMALLEST_SHARE:
            raise ValueError(
                f"a variant's share of the units is below {SMALLEST_SHARE:.2%}; give it more weight"
            )
        return self

    @model_validator(mode="after")
    def _check_assignment(self) -> ExperimentDefinition:
        if self.assignment == "md5_parity" and (
            len(self.variants) != 2 or len(set(self.variants.values())) > 1
        ):
            raise ValueError("assignment md5_parity knows two variants of equal weight")
        if self.assignment != "hash" and self.traffic < 1:
            raise ValueError(f"traffic is for assignment hash, and this is {self.assignment}")
        return self

    @model_validator(mode="after")
    def _check_times(self) -> ExperimentDefinition:
        if self.end is not None and self.end < self.start:
            raise ValueError(f"end {self.end} lies before start {self.start}")
        if self.layer_range[0] >= self.layer_range[1]:
            raise ValueError("layer_range has to go from a smaller share to a greater one")
        if self.layer_range != (0.0, 1.0) and not self.layer:
            raise ValueError("layer_range needs the name of a layer")
        return self

    @model_validator(mode="after")
    def _check_metrics(self) -> ExperimentDefinition:
        judged = [self.primary_metric, *self.secondary_metrics]
        twice = {name for name in judged if judged.count(name) > 1}
        if twice:
            raise ValueError(f"metric '{twice.pop()}' is named twice")
        rails = [rail.metric for rail in self.guardrails]
        doubled = {name for name in rails if rails.count(name) > 1}
        if doubled:
            raise ValueError(f"guardrail '{doubled.pop()}' is named twice")
        return self

    @property
    def control(self) -> str:
        """The variant that others are compared with."""
        return next(iter(self.variants))

    @property
    def shares(self) -> dict[str, float]:
        """Variant to its share of the units that take part."""
        whole = sum(self.variants.values())
        return {name: weight / whole for name, weight in self.variants.items()}

    def meets(self, other: ExperimentDefinition) -> bool:
        """Whether both can have a unit of one layer on one day."""
        is_apart = self.layer_range[1] <= other.layer_range[0] or other.layer_range[1] <= self.layer_range[0]
        is_over = (self.end is not None and self.end < other.start) or (
            other.end is not None and other.end < self.start
        )
        return self.layer == other.layer and not is_apart and not is_over

    @property
    def metrics(self) -> tuple[str, ...]:
        """All metrics it looks at, the primary one first, each once."""
        names = (self.primary_metric, *self.secondary_metrics, *(rail.metric for rail in self.guardrails))
        return tuple(dict.fromkeys(names))
