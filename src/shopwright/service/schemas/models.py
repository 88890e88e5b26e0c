"""Responses about models."""

from __future__ import annotations

from datetime import datetime  # pydantic reads it when the class is made

from pydantic import BaseModel


class MetricEstimate(BaseModel):
    """A metric on the test window with its confidence interval."""

    value: float | None
    """Null where it is undefined; ``reason`` says why."""
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
    """What is scored, such as a customer."""
    decision: str
    """When a decision is due."""
    outcome: str
    champion: int | None
    """Live version; null where none has been promoted."""
    versions: list[ModelVersion]
    """All versions, the newest first."""
