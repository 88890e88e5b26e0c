"""Product-analytics events as JSON lines, JSON arrays or Parquet, with a catalog and user profiles.

Files whose name starts with ``catalog`` or ``products`` hold product versions, those starting with ``users``,
``profiles`` or ``customers`` hold user versions, all others hold events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.contracts import BY_NAME
from shopwright.ingest.adapters.mapping import EPOCH, ISO_8601, Adapter, Field, FileKind, Mapping, column

if TYPE_CHECKING:
    from shopwright.settings import SourceSettings

SYNONYMS = {
    "pageview": "page_view",
    "view": "product_view",
    "view_item": "product_view",
    "product_viewed": "product_view",
    "cart": "add_to_cart",
    "product_added": "add_to_cart",
    "product_removed": "remove_from_cart",
    "checkout": "begin_checkout",
    "checkout_started": "begin_checkout",
    "order_completed": "purchase",
}
"""Names that common trackers use for the canonical event types."""


def _anywhere(*names: str) -> Field:
    """A value that trackers put at the top level or among the properties."""
    return column(*(where for name in names for where in (name, f"properties.{name}")))


EVENT_FIELDS = {
    "source_event_id": column("event_id", "message_id", "id"),
    "event_at": column("timestamp", "event_at", "event_time", "time"),
    "event_type": column("event_type", "event", "type", values=SYNONYMS),
    "user_id": column("user_id", "distinct_id", "anonymous_id"),
    "session_hint": column("session_id", "properties.session_id"),
    "product_id": _anywhere("product_id"),
    "product_name": _anywhere("product_name"),
    "category_id": _anywhere("category_id"),
    "category": _anywhere("category"),
    "brand": _anywhere("brand"),
    "price": _anywhere("price"),
    "quantity": _anywhere("quantity"),
    "currency": _anywhere("currency"),
    "order_id": _anywhere("order_id"),
    "experiment_group": _anywhere("experiment_group"),
    "device": _anywhere("device"),
    "country": _anywhere("country"),
    "channel": _anywhere("channel"),
    "page_url": _anywhere("page_url", "page"),
    "search_query": _anywhere("search_query", "query"),
}

PRODUCT_FIELDS = {
    "product_id": column("product_id", "id"),
    "valid_from": column("updated_at", "valid_from"),
    "name": column("name", "title"),
    "category_id": column("category_id"),
    "category": column("category"),
    "brand": column("brand"),
    "price": column("price"),
    "currency": column("currency"),
}

CUSTOMER_FIELDS = {
    "customer_id": column("user_id", "customer_id", "id"),
    "valid_from": column("updated_at", "valid_from"),
    "signed_up_at": column("signed_up_at", "created_at"),
    "country": column("country"),
    "region": column("region"),
    "city": column("city"),
    "segment": column("segment", "plan"),
    "is_subscribed": column("is_subscribed"),
}

_PREFIXES = {
    ("catalog", "products"): ("products", PRODUCT_FIELDS),
    ("users", "profiles", "customers"): ("customers", CUSTOMER_FIELDS),
}


def _mapping_for(source: SourceSettings, file_name: str) -> Mapping:
    name = file_name.rsplit("/", 1)[-1].casefold()
    entity, fields = next(
        (target for prefixes, target in _PREFIXES.items() if name.startswith(prefixes)),
        ("events", EVENT_FIELDS),
    )
    return Mapping(
        entity=BY_NAME[entity],
        kind=FileKind.PARQUET if ".parquet" in name else FileKind.JSON,
        fields=fields,
        timestamp_formats=source.timestamp_formats or (ISO_8601, EPOCH),
        timezone=source.timezone,
        encoding=source.encoding,
    )


EVENT_STREAM = Adapter("event_stream", "events, catalog and users as JSON or Parquet", _mapping_for)
