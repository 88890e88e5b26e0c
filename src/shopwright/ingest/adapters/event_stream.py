"""Product-analytics events as JSON lines, JSON arrays or Parquet, with a catalog and user profiles.

The beginning of a file's name says what it contains: ``catalog`` or ``products`` product versions; ``users``,
``profiles`` or ``customers`` customer versions; ``orders`` order versions; ``order_items``, ``order_lines`` or ``lines``
order lines; ``consents`` consents of customers; ``exposures`` exposures to experiments; ``rates`` or ``exchange_rates`` rates of exchange; ``payments``,
``refunds``, ``reviews``, ``sellers`` and ``categories`` the entity of that name. All other files contain events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.contracts import BY_NAME
from shopwright.ingest.adapters.mapping import (
    EPOCH,
    ISO_8601,
    Adapter,
    Field,
    FileKind,
    Mapping,
    column,
    states_whole_orders,
)

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

VISITOR_SYNONYMS = (
    "anonymous_id",
    "anonymousId",
    "device_id",
    "deviceId",
    "client_id",
    "clientId",
    "user_pseudo_id",
    "cookie_id",
)
"""Names that common trackers use for the id of a device or browser; the first that has a value counts."""


def _anywhere(*names: str) -> Field:
    """Return a field that trackers put at the top level or among the properties."""
    return column(*(path for name in names for path in (name, f"properties.{name}")))


EVENT_FIELDS = {
    "source_event_id": column("event_id", "message_id", "id"),
    "event_at": column("timestamp", "event_at", "event_time", "time"),
    "event_type": column("event_type", "event", "type", values=SYNONYMS),
    # A user id that equals the visitor id names nobody: the warehouse reads it as anonymous.
    "user_id": column("user_id", "userId", "distinct_id"),
    "visitor_id": column("visitor_id", "visitorId", *VISITOR_SYNONYMS),
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
    "referrer": _anywhere("referrer", "page_referrer"),
    "utm_source": _anywhere("utm_source"),
    "utm_medium": _anywhere("utm_medium"),
    "utm_campaign": _anywhere("utm_campaign"),
    "utm_term": _anywhere("utm_term"),
    "utm_content": _anywhere("utm_content"),
    "gclid": _anywhere("gclid"),
    "fbclid": _anywhere("fbclid"),
    "msclkid": _anywhere("msclkid"),
    "list_position": _anywhere("list_position"),
    "value": _anywhere("value"),
    "tax": _anywhere("tax"),
    "shipping": _anywhere("shipping"),
    "coupon": _anywhere("coupon"),
    "consent": _anywhere("consent"),
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
    "unit_cost": column("unit_cost", "cost"),
    "stock_quantity": column("stock_quantity", "stock", "inventory_quantity"),
    "status": column("status"),
    "tags": column("tags"),
}

CUSTOMER_FIELDS = {
    "customer_id": column("user_id", "customer_id", "id"),
    "person_id": column("person_id"),
    "valid_from": column("updated_at", "valid_from"),
    "signed_up_at": column("signed_up_at", "created_at"),
    "country": column("country"),
    "region": column("region", "state"),
    "city": column("city"),
    "zip_prefix": column("zip_prefix", "zip", "postal_code"),
    "segment": column("segment", "plan"),
    "is_subscribed": column("is_subscribed"),
}

ORDER_FIELDS = {
    "order_id": column("order_id", "id"),
    "valid_from": column("updated_at", "valid_from"),
    "customer_id": column("customer_id", "user_id"),
    "status": column("status", "order_status"),
    "ordered_at": column("ordered_at", "created_at", "placed_at", "order_date"),
    "approved_at": column("approved_at"),
    "shipped_at": column("shipped_at"),
    "delivered_at": column("delivered_at"),
    "promised_at": column("promised_at", "estimated_delivery_at"),
    "canceled_at": column("canceled_at", "cancelled_at"),
    "cancel_reason": column("cancel_reason"),
    "is_test": column("is_test", "test"),
    "currency": column("currency"),
    "subtotal_amount": column("subtotal_amount", "subtotal"),
    "discount_amount": column("discount_amount", "discount_total"),
    "shipping_amount": column("shipping_amount", "shipping_total"),
    "tax_amount": column("tax_amount", "tax_total"),
    "is_tax_included": column("is_tax_included", "taxes_included"),
    "total_amount": column("total_amount", "total"),
    "presentment_currency": column("presentment_currency"),
    "presentment_rate": column("presentment_rate"),
    "sales_channel": column("sales_channel"),
    "store_id": column("store_id", "store"),
    "coupon_codes": column("coupon_codes", "coupon"),
    "landing_page": column("landing_page"),
    "referrer": column("referrer"),
    "utm_source": column("utm_source"),
    "utm_medium": column("utm_medium"),
    "utm_campaign": column("utm_campaign"),
    "utm_term": column("utm_term"),
    "utm_content": column("utm_content"),
    "ship_zip_prefix": column("ship_zip_prefix", "ship_zip", "ship_postal_code"),
    "ship_city": column("ship_city"),
    "ship_region": column("ship_region", "ship_state"),
    "ship_country": column("ship_country"),
}

LINE_FIELDS = {
    "order_id": column("order_id"),
    "line_number": column("line_number", "line"),
    "copy_number": column("copy_number"),
    "product_id": column("product_id", "sku"),
    "variant_id": column("variant_id"),
    "product_name": column("product_name", "name", "title"),
    "seller_id": column("seller_id", "vendor_id"),
    "kind": column("kind", "line_type", "type"),
    "kind_rule": column("kind_rule"),
    "quantity": column("quantity", "units"),
    "unit": column("unit"),
    "unit_price": column("unit_price", "price"),
    "line_amount": column("line_amount", "line_total"),
    "currency": column("currency"),
    "tax_amount": column("tax_amount", "tax"),
    "is_tax_included": column("is_tax_included", "taxes_included"),
    "discount_amount": column("discount_amount", "discount"),
    "discount_code": column("discount_code"),
    "unit_cost": column("unit_cost", "cost"),
    "refunded_line_number": column("refunded_line_number"),
    "freight": column("freight", "freight_value", "shipping"),
    "ordered_at": column("ordered_at"),
    "customer_id": column("customer_id", "user_id"),
    "ship_country": column("ship_country"),
}

PAYMENT_FIELDS = {
    "order_id": column("order_id"),
    "sequence": column("sequence", "payment_sequence"),
    "method": column("method", "payment_method", "payment_type"),
    "tender": column("tender"),
    "status": column("status", "payment_status"),
    "installments": column("installments"),
    "amount": column("amount", "value"),
    "fee_amount": column("fee_amount", "fee"),
    "currency": column("currency"),
    "paid_at": column("paid_at", "created_at"),
}

REFUND_FIELDS = {
    "refund_id": column("refund_id", "id"),
    "order_id": column("order_id"),
    "line_number": column("line_number", "line"),
    "refunded_at": column("refunded_at", "created_at"),
    "product_id": column("product_id", "sku"),
    "quantity": column("quantity", "units"),
    "line_amount": column("line_amount", "amount"),
    "tax_amount": column("tax_amount", "tax"),
    "shipping_amount": column("shipping_amount", "shipping"),
    "adjustment_amount": column("adjustment_amount", "adjustment"),
    "currency": column("currency"),
    "reason": column("reason"),
}

RATE_FIELDS = {
    "currency": column("currency"),
    "rate_date": column("rate_date", "date", "day"),
    "rate": column("rate"),
}

REVIEW_FIELDS = {
    "review_id": column("review_id", "id"),
    "order_id": column("order_id"),
    "score": column("score", "rating", "stars"),
    "created_at": column("created_at"),
    "answered_at": column("answered_at"),
}

SELLER_FIELDS = {
    "seller_id": column("seller_id", "vendor_id", "id"),
    "valid_from": column("updated_at", "valid_from"),
    "zip_prefix": column("zip_prefix", "zip", "postal_code"),
    "city": column("city"),
    "region": column("region", "state"),
    "country": column("country"),
}

CATEGORY_FIELDS = {
    "category": column("category", "id"),
    "name": column("name", "title"),
}

CONSENT_FIELDS = {
    "customer_id": column("customer_id", "user_id"),
    "channel": column("channel"),
    "is_given": column("is_given", "granted", "consent"),
    "changed_at": column("changed_at", "updated_at", "timestamp"),
}

EXPOSURE_FIELDS = {
    "experiment": column("experiment"),
    "unit_id": column("unit_id", "user_id"),
    "variant": column("variant", "variation", "group"),
    "exposed_at": column("exposed_at", "timestamp", "event_at"),
}

_PREFIXES = {
    ("catalog", "products"): ("products", PRODUCT_FIELDS),
    ("users", "profiles", "customers"): ("customers", CUSTOMER_FIELDS),
    ("consents",): ("consents", CONSENT_FIELDS),
    ("order_items", "order_lines", "lines"): ("order_items", LINE_FIELDS),
    ("orders",): ("orders", ORDER_FIELDS),
    ("payments",): ("payments", PAYMENT_FIELDS),
    ("refunds",): ("refunds", REFUND_FIELDS),
    ("rates", "exchange_rates"): ("exchange_rates", RATE_FIELDS),
    ("reviews",): ("reviews", REVIEW_FIELDS),
    ("sellers",): ("sellers", SELLER_FIELDS),
    ("categories",): ("categories", CATEGORY_FIELDS),
    ("exposures",): ("exposures", EXPOSURE_FIELDS),
}
"""Beginnings of file names; the first match wins."""


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
        states_whole_orders=states_whole_orders(source, BY_NAME[entity]),
    )


EVENT_STREAM = Adapter(
    "event_stream",
    "events, catalog, users and orders as JSON or Parquet",
    _mapping_for,
    entities=("events", *(entity for entity, _ in _PREFIXES.values())),
)
