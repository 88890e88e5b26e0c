"""Responses about experiments."""

from __future__ import annotations

from datetime import date  # pydantic reads it when the class is made
from typing import Any

from pydantic import BaseModel, ConfigDict


class Experiment(BaseModel):
    """An experiment in the shop's settings."""

    name: str
    hypothesis: str
    unit: str
    """What is assigned to a variant: user or session."""
    variants: dict[str, float]
    """Variant to its share of the units that take part; the first is the control."""
    start: date
    end: date | None
    """Last day; null while it has no end."""
    primary_metric: str


class UnitAssignment(BaseModel):
    """The variant of one unit."""

    experiment: str
    unit_id: str
    variant: str | None
    """Null where the unit takes no part, or is assigned elsewhere."""
    bucket: int | None
    """Bucket from 0 to 9,999; null where the assignment uses no buckets."""
    reason: str


class ExperimentResults(BaseModel):
    """Results of an experiment, as `shopwright experiment results --json` prints them."""

    model_config = ConfigDict(extra="allow")

    experiment: dict[str, Any]
    as_of: date | None
    """Last day of the data."""
    units: dict[str, int]
    """Variant to its units."""
    verdicts: list[dict[str, Any]]
    """Decision and reason for each treatment."""
    metrics: list[dict[str, Any]]
    """Each metric and variant with effect, intervals and p-values."""
