"""What is answered of experiments."""

from __future__ import annotations

from datetime import date  # pydantic reads it when the class is made
from typing import Any

from pydantic import BaseModel, ConfigDict


class Experiment(BaseModel):
    """An experiment as the shop's settings state it."""

    name: str
    hypothesis: str
    unit: str
    """What is assigned: a user or a session."""
    variants: dict[str, float]
    """Variant to its share of those that take part; the first is the control."""
    start: date
    end: date | None
    """None while it is open."""
    primary_metric: str


class Assigned(BaseModel):
    """What a unit sees, for ever and on every machine."""

    experiment: str
    unit_id: str
    variant: str | None
    """None where the unit takes no part, or is assigned elsewhere."""
    bucket: int | None
    """Of 10,000; None where the scheme has none."""
    reason: str


class Readout(BaseModel):
    """All that `shopwright experiment read --json` says."""

    model_config = ConfigDict(extra="allow")

    experiment: dict[str, Any]
    as_of: date | None
    """Last day of the data that was read."""
    units: dict[str, int]
    """Variant to its units."""
    verdicts: list[dict[str, Any]]
    """For each treatment, what to do and why."""
    metrics: list[dict[str, Any]]
    """Each metric and variant with effect, intervals and p-values."""
