"""The shop itself: what its data means and what the machine may be used for."""

from __future__ import annotations

from datetime import date  # noqa: TC003  # pydantic reads it when the class is made
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from shopwright.settings.strict import Strict, Timezone


class ShopSettings(Strict):
    """The shop itself."""

    name: str = "My shop"
    """Name shown in reports."""
    currency: str = Field("USD", pattern="^[A-Z]{3}$")
    """ISO 4217 code of amounts that state none."""
    timezone: Timezone = "UTC"
    """Zone in which a day begins and ends."""


class IngestSettings(Strict):
    """The checks at the door."""

    max_record_bytes: int = Field(1_048_576, ge=1_048_576, le=16_777_216)
    """Longest record that is taken for data, in bytes."""
    max_future_hours: NonNegativeInt = 24
    """How far ahead of the clock a timestamp may lie, in hours."""


class SessionSettings(Strict):
    """How visits are told apart."""

    gap_minutes: PositiveInt = 30
    """Minutes without an event after which a new session begins."""


class BotSettings(Strict):
    """Behaviour that no shopper shows; such sessions, if they buy nothing, are flagged and kept out of rates."""

    min_events: PositiveInt = 60
    """Shorter sessions are never flagged, in events."""
    max_mean_gap_seconds: PositiveFloat = 3.0
    """Flag when events follow one another faster than this on average, in seconds."""
    min_views_without_cart: PositiveInt = 200
    """Flag when a session views this many products and puts none into the cart."""


class OrderSettings(Strict):
    """What orders mean."""

    canceled_statuses: tuple[str, ...] = ("canceled", "cancelled", "unavailable", "voided", "failed")
    """Statuses, in lower case, of orders that came to nothing."""
    complete_through: date | None = None
    """Last date up to which orders are complete, where an export thins out at its end; the last order's where not given."""


class ExperimentSettings(Strict):
    """Where a user's experiment group comes from."""

    assignment: Literal["stated", "md5_parity", "none"] = "stated"
    """"stated" by the events, by the parity of the user id's MD5 (odd is treatment), or "none"."""


class EngineSettings(Strict):
    """What the machine may be used for."""

    threads: PositiveInt | None = None
    """Threads; all cores where not given."""
    memory_limit: str = Field("4GB", pattern=r"^\d+(\.\d+)?\s?(MB|GB|TB|MiB|GiB|TiB)$")
    """Memory the engine may take before it spills to disk."""
