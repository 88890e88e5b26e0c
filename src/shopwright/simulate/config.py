"""What can be asked of the synthetic shop."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, PositiveInt, field_validator, model_validator

from shopwright.simulate.traits.declarations import BY_NAME, traits_of

Share = Annotated[float, Field(ge=0, le=0.5)]

EVENTS_PER_USER = {"rees46": 11.0, "event_stream": 18.0, "marketplace": 18.0}
"""Events a registered user is worth; the click-only export shows fewer of the same actions."""


class Dirt(BaseModel, frozen=True, extra="forbid"):
    """What is wrong with the export: each rate is a share of rows, and a row has at most one fault."""

    duplicate_rate: Share = 0.0
    """Rows written a second time, byte for byte, in the same file."""
    late_file_rate: Share = 0.0
    """Rows of all but the last month that are found in a later month's file instead of their own."""
    bad_timestamp_rate: Share = 0.0
    """Rows whose time is no time, is missing, or lies in 1970 or 2999."""
    negative_price_rate: Share = 0.0
    """Rows whose price has a minus sign; only rows with a price can have it."""
    missing_event_type_rate: Share = 0.0
    """Rows whose event type is blank."""
    missing_user_rate: Share = 0.0
    """Rows without a user id."""
    torn_line_rate: Share = 0.0
    """Lines cut at a random byte, always so that at least a field (CSV) or the closing brace (JSON) is gone."""
    wrong_encoding_rate: Share = 0.0
    """Lines that hold a latin-1 byte and so are not UTF-8."""

    @model_validator(mode="after")
    def _rows_suffice(self) -> Self:
        if sum(self.model_dump().values()) > 0.9:
            raise ValueError("the dirt rates add up to more than 0.9; a row has at most one fault")
        return self

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.model_dump().values())


class SimulationConfig(BaseModel, frozen=True, extra="forbid"):
    """Choices that change the shop; the same choices give the same bytes."""

    seed: int = Field(default=7, ge=0, lt=2**63)
    """Everything random follows from it."""
    events: PositiveInt = Field(default=100_000, le=2_000_000_000)
    """Events wanted before dirt; the shop has as many within a tenth (from about 20,000 up)."""
    users: int | None = Field(default=None, ge=10, le=20_000_000)
    """Registered users, some of whom never come; derived from ``events`` when not given."""
    start: date = date(2025, 1, 1)
    """First day, UTC; the first of a month between 2001 and 2090."""
    months: int = Field(default=3, ge=1, le=36)
    """Months, and so files of events."""
    products: int = Field(default=2_000, ge=20, le=500_000)
    """Products in the catalog."""
    format: Literal["rees46", "event_stream", "marketplace"] = "event_stream"
    """Which raw export to write; a marketplace is an event stream with its order side, the same clicks to the byte."""
    files: Literal["jsonl", "parquet"] = "jsonl"
    """Kind of the files; a rees46 export is always CSV."""
    compression: Literal["gz", "zst"] | None = None
    """How text files are compressed."""
    experiment: str = Field(default="free_shipping_banner", pattern=r"^[a-z0-9_]{1,60}$")
    """Name of the experiment that runs in the shop."""
    experiment_effect: float = Field(default=0.10, ge=-0.9, le=1.0)
    """Relative lift of the treatment group's probability to buy what is in the cart."""
    experiment_start: date | None = None
    """First day of the experiment, UTC; the shop's first day when not given."""
    bot_share: Share = 0.02
    """Share of events made by bots; a small shop with bots has one bot session at least."""
    mean_lifetime_days: float = Field(default=180.0, ge=1, le=10_000)
    """Mean of the exponential time until a user churns."""
    profile_changes_per_year: float = Field(default=0.6, ge=0, le=50)
    """Mean number of changes to one user's profile (moved, other segment, subscribed or not)."""
    price_changes_per_year: float = Field(default=4.0, ge=0, le=100)
    """Mean number of price changes of one product."""
    sellers: int | None = Field(default=None, ge=1, le=100_000)
    """Sellers of a marketplace; one for every 25 products when not given."""
    wrong_payment_rate: Share = 0.005
    """Share of a marketplace's paid orders that are paid with a wrong amount."""
    return_rate: Share = 0.05
    """Share of a marketplace's orders delivered on time of which something comes back; of late ones twice as many."""
    buyer_types: bool = False
    """Whether users are of a few types that buy differently (``buyers.PLANTED``), or differ only by degree."""
    traits: tuple[str, ...] = ()
    """What the export has of ordinary ones (names of ``traits.declarations.TRAITS``); nothing by default."""
    dirt: Dirt = Dirt()
    """What is wrong with the export; nothing by default."""

    @field_validator("traits")
    @classmethod
    def _are_traits(cls, traits: tuple[str, ...]) -> tuple[str, ...]:
        for name in traits:
            if name not in BY_NAME:
                raise ValueError(f"no trait is called {name}; there are {', '.join(BY_NAME)}")
        return tuple(name for name in BY_NAME if name in traits)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.start.day != 1 or not 2001 <= self.start.year <= 2090:
            raise ValueError("start must be the first of a month between 2001 and 2090")
        if self.files == "parquet" and (self.format == "rees46" or self.compression):
            raise ValueError("parquet files are not for rees46, and compress themselves")
        if self.files == "parquet" and (self.dirt.torn_line_rate or self.dirt.wrong_encoding_rate):
            raise ValueError("torn lines and wrong encodings need text files, not parquet")
        if self.dirt.late_file_rate and self.months == 1:
            raise ValueError("late_file_rate needs a later file: months must be 2 or more")
        possible = traits_of(self.format)
        if impossible := [name for name in self.traits if name not in possible]:
            raise ValueError(
                f"an export of the format {self.format} cannot have {', '.join(impossible)}; it can have {', '.join(possible) or 'no traits'}"
            )
        return self

    @property
    def user_count(self) -> int:
        """Registered users, given or derived."""
        return self.users or max(10, round(self.events / EVENTS_PER_USER[self.format]))

    @property
    def seller_count(self) -> int:
        """Sellers, given or derived."""
        return self.sellers or max(3, self.products // 25)
