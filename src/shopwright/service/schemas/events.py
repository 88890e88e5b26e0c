"""Request with the events of a session so far, limited to what the model uses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from shopwright.contracts.events import EVENT_TYPES, EVENTS, MAX_PRICE, MAX_TIMESTAMP, MIN_TIMESTAMP, OTHER
from shopwright.core.currencies import MAGNITUDES
from shopwright.ingest.shop_limits import max_price, shop_context
from shopwright.models.abandonment.live_features import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shopwright.settings import Project

MAX_EVENTS = 1_000
"""Events of one session; shoppers have far fewer."""
_MEANINGS = {column.name: column.meaning for column in EVENTS.columns}

Text = Annotated[str, StringConstraints(max_length=1_000)]
_CENTS = Decimal("0.0001")
"""Precision of prices."""
_BOUNDS = tuple(datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (MIN_TIMESTAMP, MAX_TIMESTAMP))
_LARGEST_PRICE = Decimal(MAX_PRICE) * max(MAGNITUDES)
"""In any currency; a shop's own limits are checked by ``find_errors``."""
MAX_SESSION_DURATION = timedelta(days=366)


def _to_naive_utc(timestamp: datetime) -> datetime:
    """Return a timestamp without its zone, in UTC; one without a zone is UTC already."""
    aware = timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)
    if not _BOUNDS[0] <= aware <= _BOUNDS[1]:
        raise ValueError(f"expected a time from {MIN_TIMESTAMP} to {MAX_TIMESTAMP}, UTC")
    return aware.astimezone(UTC).replace(tzinfo=None)


def _round_price(price: Decimal) -> Decimal:
    return price.quantize(_CENTS, ROUND_HALF_UP)  # rounds like the warehouse


def _field(name: str, default: Any = None, **more: Any) -> Any:
    """Return a field with the description from the contract."""
    return Field(default, description=_MEANINGS[name], **more)


class SessionEvent(BaseModel):
    """One event of a session; fields are named as in the events contract."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_at: Annotated[datetime, AfterValidator(_to_naive_utc)] = _field("event_at", ...)
    event_type: Literal[(*EVENT_TYPES, OTHER)] = _field("event_type", ...)  # type: ignore[valid-type]  # a tuple of literals
    product_id: Text | None = _field("product_id")
    product_name: Text | None = _field("product_name")
    category: Text | None = _field("category")
    brand: Text | None = _field("brand")
    price: Annotated[Decimal, Field(ge=0, le=_LARGEST_PRICE), AfterValidator(_round_price)] | None = _field(
        "price"
    )
    quantity: int | None = _field("quantity", ge=1, le=1_000_000)
    order_id: Text | None = _field("order_id")
    event_id: Text | None = _field("source_event_id")
    device: Text | None = _field("device")
    country: Text | None = _field("country")
    channel: Text | None = _field("channel")
    experiment_group: Text | None = _field("experiment_group")

    def to_event(self, user_id: str) -> Event:
        """Return the event as the model's features take it."""
        fields = self.model_dump(exclude={"event_id"})
        return Event(user_id=user_id, source_event_id=self.event_id, **fields)


def _check_duration(events: tuple[SessionEvent, ...]) -> tuple[SessionEvent, ...]:
    timestamps = [event.event_at for event in events]
    if max(timestamps) - min(timestamps) > MAX_SESSION_DURATION:
        raise ValueError(f"expected the events of one session, within {MAX_SESSION_DURATION.days} days")
    return events


class SessionEvents(BaseModel):
    """All events of a user's session so far."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "user_id": "u-1042",
                    "events": [
                        {
                            "event_at": "2025-03-31T10:15:00Z",
                            "event_type": "product_view",
                            "product_id": "17",
                            "price": 35.79,
                        },
                        {
                            "event_at": "2025-03-31T10:16:30Z",
                            "event_type": "add_to_cart",
                            "product_id": "17",
                            "price": 35.79,
                            "device": "mobile",
                        },
                    ],
                }
            ]
        },
    )

    user_id: str = Field(min_length=1, max_length=200, description=_MEANINGS["user_id"])
    session_id: str | None = Field(
        None, max_length=200, description="Id of the session; the response repeats it."
    )
    events: Annotated[tuple[SessionEvent, ...], AfterValidator(_check_duration)] = Field(
        min_length=1, max_length=MAX_EVENTS
    )


def find_errors(session: SessionEvents, project: Project) -> Iterator[tuple[str, str]]:
    """Yield what an ingest of the shop would refuse of a session's events: the field, and what is expected."""
    shop, price = shop_context(project), max_price(project)
    first, last = (datetime.fromisoformat(text) for text in (shop.earliest, shop.latest))
    for index, event in enumerate(session.events):
        if not first <= event.event_at <= last:
            yield f"events.{index}.event_at", f"expected a time from {shop.earliest} to {shop.latest}, UTC"
        if event.price is not None and event.price > price:
            yield f"events.{index}.price", f"expected at most {price:,}"
