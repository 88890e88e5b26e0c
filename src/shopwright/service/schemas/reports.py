"""What is answered of the shop's figures."""

from __future__ import annotations

from datetime import date  # pydantic reads it when the class is made
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ReportQuery(BaseModel):
    """What a table of figures is narrowed to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: date | None = Field(None, description="First date, in the shop's zone.")
    last: date | None = Field(None, description="Last date, itself included.")
    device: str | None = Field(None, max_length=200)
    channel: str | None = Field(None, max_length=200)
    category: str | None = Field(None, max_length=500)
    experiment: str | None = Field(
        None, max_length=200, description="NAME:VARIANT of an experiment, or a group of the shop's own."
    )


class ReportColumn(BaseModel):
    """One column."""

    name: str
    meaning: str
    unit: str
    """Such as share (0 to 1), money, count, seconds, text or date."""


class ReportDescription(BaseModel):
    """A table of figures."""

    name: str
    title: str
    definition: str
    """What exactly is counted."""
    filters: list[str]
    """Which it takes."""
    columns: list[ReportColumn]


class ReportTable(ReportDescription):
    """A table of figures with its rows."""

    model_config = ConfigDict(extra="allow")

    filtered_by: dict[str, Any]
    currency: str
    data_until: str | None
    """Newest moment in the data, UTC."""
    built_at: str | None
    scored_through: str | None = None
    """Last day that a model's scores know; null where the report reads none."""
    row_count: int
    rows: list[dict[str, Any]]
    """Null where a figure is undefined."""
