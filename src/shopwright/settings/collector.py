"""Storage of collected events until they are ingested."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from shopwright.settings.strict import Strict

SOURCE_NAME = "collector"
"""Name of the source of collected events in the ledger."""


class CollectorSettings(Strict):
    """Storage of collected events until they are ingested."""

    segment_bytes: int = Field(67_108_864, ge=4_096)
    """Size in bytes at which a segment is closed."""
    segment_seconds: PositiveFloat = 3_600
    """Age in seconds at which a segment is closed; ``ingest`` closes all open segments."""
    remembered_events: NonNegativeInt = 200_000
    """Number of newest event ids to remember (at least), to recognize repeated events."""
    max_waiting_events: PositiveInt = 50_000
    """Events that may wait to be written; further ones are refused with 503 and Retry-After."""
    keep_days: NonNegativeInt | None = None
    """Days after which an ingested segment is deleted; by default segments are never deleted."""
