"""Settings of the shop itself, of the meaning of its data, and of the query engine."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from shopwright.settings.strict import Strict, Timezone, VariableName


class ShopSettings(Strict):
    """The shop itself. A change of currency or time zone makes the next build a full refresh."""

    name: str = "My shop"
    """Name of the shop in reports and on pages."""
    currency: str = Field("USD", pattern="^[A-Z]{3}$")
    """Currency of amounts that state none, as an ISO 4217 code of three capital letters."""
    timezone: Timezone = "UTC"
    """Time zone in which the shop's days begin and end, as an IANA name such as Europe/Berlin."""
    publish_unmapped: bool = False
    """Whether the published database has what no mapping names: the column `properties` of bronze and silver, and the raw
    text of quarantined records. A change makes the next build a full refresh."""


class IngestSettings(Strict):
    """Limits that records must keep to be loaded."""

    max_record_bytes: int = Field(1_048_576, ge=1_048_576, le=16_777_216)
    """Longest record that is loaded, in bytes; longer ones are quarantined."""
    max_unpacked_bytes: PositiveInt = 107_374_182_400
    """Greatest size of a compressed file when it is unpacked, in bytes; a greater one fails."""
    max_unpack_ratio: PositiveInt = 250
    """How many times as large as on disk a compressed file may become, once it has more than 256 MB; beyond that it fails."""
    max_future_hours: NonNegativeInt = 24
    """How far in the future a timestamp may be, in hours; later rows are quarantined."""
    earliest_date: date = Field(date(1970, 1, 1), ge=date(1970, 1, 1))
    """First day, in the shop's time zone, of any time; rows with an earlier one are quarantined."""
    latest_date: date = Field(date(2099, 12, 31), le=date(2099, 12, 31))
    """Last day of any time, promised deliveries included; rows with a later one are quarantined."""

    privacy_key: VariableName | None = None
    """Environment variable that holds the key of hashed values, of 32 characters or more. Where not given, a key is created
    in `privacy/key` of the project: keep it, since values that are hashed with another one meet no more."""

    @model_validator(mode="after")
    def _check_dates(self) -> IngestSettings:
        if self.earliest_date > self.latest_date:
            raise ValueError("earliest_date is after latest_date")
        return self


class LakeSettings(Strict):
    """How the lake keeps what is no longer part of it."""

    trash_days: NonNegativeInt = 7
    """Days that `lake/_trash` keeps files that an interrupted run left behind, that were read again or taken out, or that a
    repair replaced; a later ingest then deletes them."""


class SessionSettings(Strict):
    """Rules that split events into sessions. A change makes the next build a full refresh."""

    gap_minutes: PositiveInt = 30
    """Minutes: an event that comes later than this after the user's previous one starts a new session."""


class BotSettings(Strict):
    """Rules that flag sessions of bots; flagged sessions that buy nothing do not count in rates.

    A change makes the next build a full refresh.
    """

    min_events: PositiveInt = 60
    """Shortest session that can be flagged, in events."""
    max_mean_gap_seconds: PositiveFloat = 3.0
    """Mean pause between events below which a session is flagged, in seconds."""
    min_views_without_cart: PositiveInt = 200
    """Number of product views without an item added to the cart from which a session is flagged."""


class OrderSettings(Strict):
    """Rules for orders. A change makes the next build a full refresh."""

    canceled_statuses: tuple[str, ...] = ("canceled", "cancelled", "unavailable", "voided", "failed")
    """Statuses, in lower case, that mean an order was canceled."""
    complete_through: date | None = None
    """Last date up to which orders are complete, for exports that thin out at the end; by default the date of the last order."""


class ExperimentSettings(Strict):
    """Source of the experiment group that sessions and events carry."""

    assignment: Literal["stated", "md5_parity", "none"] = "stated"
    """"stated" by the events, by the parity of the user id's MD5 (odd is treatment), or "none"."""


class EngineSettings(Strict):
    """Resources that the query engine may use."""

    threads: PositiveInt | None = None
    """Number of threads; by default one for each core."""
    memory_limit: str = Field("4GB", pattern=r"^\d+(\.\d+)?\s?(MB|GB|TB|MiB|GiB|TiB)$")
    """Memory that the engine uses before it spills to disk, as a number with a unit such as 4GB."""
