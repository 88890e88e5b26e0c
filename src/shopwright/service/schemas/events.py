"""The events of a session so far, in what the model looks at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from shopwright.contracts.events import EVENT_TYPES, EVENTS, MAX_PRICE, MAX_TIMESTAMP, MIN_TIMESTAMP
from shopwright.models.abandonment.live_features import Event

MAX_EVENTS = 1_000
"""Of one session; a shopper has far fewer."""
_MEANINGS = {column.name: column.meaning for column in EVENTS.columns}

Text = Annotated[str, StringConstraints(max_length=1_000)]
_CENTS = Decimal("0.0001")
"""Prices are kept to this."""
_BOUNDS = tuple(datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (MIN_TIMESTAMP, MAX_TIMESTAMP))
MAX_SESSION_DURATION = timedelta(days=366)


def _moment(given: datetime) -> datetime:
    """Without its zone, in UTC, within what the contract allows."""
    moment = given if given.tzinfo else given.replace(tzinfo=UTC)
    if not _BOUNDS[0] <= moment <= _BOUNDS[1]:
        raise ValueError(f"expected a time from {MIN_TIMESTAMP} to {MAX_TIMESTAMP}, UTC")
    return moment.astimezone(UTC).replace(tzinfo=None)


def _price(given: Decimal) -> Decimal:
    return given.quantize(_CENTS, ROUND_HALF_UP)  # as the warehouse rounds


def _told(name: str, default: Any = None, **more: Any) -> Any:
    """A field with the meaning that the contract gives it."""
    return Field(default, description=_MEANINGS[name], **more)


class SessionEvent(BaseModel):
    """One event of a session, by the names of the contract of events."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_at: Annotated[datetime, AfterValidator(_moment)] = _told("event_at", ...)
    event_type: Literal[EVENT_TYPES] = _told("event_type", ...)  # type: ignore[valid-type]  # a tuple of literals
    product_id: Text | None = _told("product_id")
    product_name: Text | None = _told("product_name")
    category: Text | None = _told("category")
    brand: Text | None = _told("brand")
    price: Annotated[Decimal, Field(ge=0, le=Decimal(MAX_PRICE)), AfterValidator(_price)] | None = _told(
        "price"
    )
    quantity: int | None = _told("quantity", ge=1, le=1_000_000)
    order_id: Text | None = _told("order_id")
    event_id: Text | None = _told("source_event_id")
    device: Text | None = _told("device")
    country: Text | None = _told("country")
    channel: Text | None = _told("channel")
    experiment_group: Text | None = _told("experiment_group")

    def to_event(self, user_id: str) -> Event:
        """As the model's features are computed from."""
        given = self.model_dump(exclude={"event_id"})
        return Event(user_id=user_id, source_event_id=self.event_id, **given)


def _one_session(given: tuple[SessionEvent, ...]) -> tuple[SessionEvent, ...]:
    moments = [event.event_at for event in given]
    if max(moments) - min(moments) > MAX_SESSION_DURATION:
        raise ValueError(f"expected the events of one session, within {MAX_SESSION_DURATION.days} days")
    return given


class SessionEvents(BaseModel):
    """Everything that a user did in a session so far."""

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
        None, max_length=200, description="Name of the session; the answer repeats it."
    )
    events: Annotated[tuple[SessionEvent, ...], AfterValidator(_one_session)] = Field(
        min_length=1, max_length=MAX_EVENTS
    )
