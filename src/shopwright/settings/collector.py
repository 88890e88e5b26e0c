"""Storage of collected events until they are ingested."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, field_validator

from shopwright.settings.strict import Privacy, Strict

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
    privacy: Privacy = Field(default_factory=dict)
    """What is dropped or hashed when segments are ingested, as in `[sources.privacy]`. Segments keep events as they came, until
    `keep_days` deletes them."""

    @field_validator("privacy")
    @classmethod
    def _check_ids(cls, privacy: Privacy) -> Privacy:
        for name in ("user_id", "visitor_id"):
            if privacy.get(name) == "drop":  # an event that the service accepted would be none without it
                raise ValueError(f"{name} cannot be dropped, since an event may have no other id; hash it")
        return privacy
