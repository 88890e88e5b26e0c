"""Requests and responses about reports."""

from __future__ import annotations

from datetime import date  # pydantic reads it when the class is made
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ReportQuery(BaseModel):
    """Filters of a report."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: date | None = Field(None, description="First date, in the time zone of the shop.")
    last: date | None = Field(None, description="Last date (inclusive).")
    device: str | None = Field(None, max_length=200)
    channel: str | None = Field(None, max_length=200)
    category: str | None = Field(None, max_length=500)
    experiment: str | None = Field(
        None,
        max_length=200,
        description="Experiment variant as NAME:VARIANT, or a group from the shop's own data.",
    )


class ReportColumn(BaseModel):
    """A column of a report."""

    name: str
    meaning: str
    unit: str
    """Such as share (0 to 1), money, count, seconds, text or date."""


class ReportDescription(BaseModel):
    """Description of a report."""

    name: str
    title: str
    definition: str
    """What exactly is counted."""
    filters: list[str]
    """Filters that the report supports."""
    columns: list[ReportColumn]


class ReportTable(ReportDescription):
    """A report with its rows."""

    model_config = ConfigDict(extra="allow")

    filtered_by: dict[str, Any]
    currency: str
    data_until: str | None
    """Time of the latest event in the data, UTC."""
    built_at: str | None
    scored_through: str | None = None
    """Last day of the data behind a model's scores; null where the report uses no scores."""
    row_count: int
    rows: list[dict[str, Any]]
    """One object per row; null where a value is undefined."""
