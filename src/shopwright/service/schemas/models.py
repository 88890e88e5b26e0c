"""What is answered of models."""

from __future__ import annotations

from datetime import datetime  # pydantic reads it when the class is made

from pydantic import BaseModel


class MetricEstimate(BaseModel):
    """A measure on the test window with its interval."""

    value: float | None
    """None where it is undefined, and the reason says why."""
    lower: float | None
    upper: float | None
    reason: str | None


class ModelVersion(BaseModel):
    """A version of a model."""

    version: int
    created_at: datetime
    verdict: str
    """Such as ``predictable``."""
    aliases: list[str]
    metrics: dict[str, MetricEstimate]


class ModelSummary(BaseModel):
    """A model and its versions."""

    model: str
    question: str
    entity: str
    """Who or what is scored."""
    decision: str
    """When it is decided."""
    outcome: str
    champion: int | None
    """Version that serves; null where none passed the gate."""
    versions: list[ModelVersion]
    """The newest first."""
