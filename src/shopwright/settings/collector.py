"""How events that the service takes are kept until they are ingested."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from shopwright.settings.strict import Strict

SOURCE_NAME = "collector"
"""What the ledger calls the source of collected events."""


class CollectorSettings(Strict):
    """How events that the service takes are kept until they are ingested."""

    segment_bytes: int = Field(67_108_864, ge=4_096)
    """A segment is closed when it has this many bytes."""
    segment_seconds: PositiveFloat = 3_600
    """A segment is closed when it is this old, in seconds; ``ingest`` closes all that are open."""
    remembered_events: NonNegativeInt = 200_000
    """How many events at least are remembered by their id, to tell those that are sent again."""
    max_waiting_events: PositiveInt = 50_000
    """Events that may wait to be written; more are refused, and the sender is told to come back later."""
    keep_days: NonNegativeInt | None = None
    """Days after which a segment is deleted that has been ingested; kept for good where not given."""
