"""JSON Schema of an event, generated from its contract."""

from __future__ import annotations

from typing import Any

from shopwright.contracts.events import EVENTS
from shopwright.contracts.schema import Column, Kind
from shopwright.core.currencies import MAGNITUDES
from shopwright.ingest.adapters.event_stream import EVENT_FIELDS

_TYPES: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": "string"},
    Kind.ID: {"type": "string"},
    Kind.PERSON_ID: {"type": "string"},
    Kind.ORDER_ID: {"type": "string"},
    Kind.TIMESTAMP: {"type": "string", "format": "date-time"},
    Kind.MONEY: {"type": "number"},
    Kind.PRICE: {"type": "number"},
    Kind.QUANTITY: {"type": "number"},
    Kind.CURRENCY: {"type": "string"},
    Kind.NUMBER: {"type": "number"},
    Kind.INTEGER: {"type": "integer"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.JSON: {"type": "object"},
}

EXAMPLE = {
    "event_id": "7d0c2f9e-41",
    "event_at": "2025-03-01T10:15:00Z",
    "event_type": "add_to_cart",
    "user_id": "u-1042",
    "product_id": "17",
    "price": 35.79,
    "device": "mobile",
    "properties": {"position": 3},
}
"""A valid event."""


def event_schema() -> dict[str, Any]:
    """Return the JSON Schema of one event.

    Fields have the names of the contract. Common names of trackers, such as ``timestamp``, are accepted too, and unknown fields
    are stored in ``properties``.
    """
    rules = " ".join(rule.meaning for rule in EVENTS.rules)
    return {
        "title": "Event",
        "type": "object",
        "description": f"One action of a shopper. {rules} Unknown fields are stored in `properties`.",
        "required": [_name(column) for column in EVENTS.stored_columns if column.required],
        "anyOf": [{"required": ["user_id"]}, {"required": ["visitor_id"]}],
        "properties": {_name(column): _field(column) for column in EVENTS.stored_columns},
        "additionalProperties": True,
        "example": EXAMPLE,
    }


def _name(column: Column) -> str:
    """Return the field name of a column: its own where that is accepted, else the first accepted one."""
    names = EVENT_FIELDS[column.name].columns if column.name in EVENT_FIELDS else (column.name,)
    return column.name if column.name in names else names[0]


def _field(column: Column) -> dict[str, Any]:
    unit = f" In {column.unit}." if column.unit else ""
    schema = _TYPES[column.kind] | {"description": f"{column.meaning}{unit}"}
    if column.fallback is not None:
        schema |= {"examples": list(column.allowed)}
    elif column.allowed:
        schema |= {"enum": list(column.allowed)}
    if column.kind in (Kind.MONEY, Kind.NUMBER, Kind.INTEGER):
        limits = (("minimum", column.minimum), ("maximum", column.maximum))
        # what a currency with great amounts allows: the limits of a shop follow its currency
        factor = max(MAGNITUDES) if column.unit == "`currency`" else 1
        schema |= {name: int(limit) * factor for name, limit in limits if limit is not None}
    return schema
