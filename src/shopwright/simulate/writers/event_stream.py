"""The product-analytics export: events, a catalog and user profiles, as JSON lines or Parquet.

No value holds a character that JSON would escape, but for product texts, which arrive escaped.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.sql import quote_list, quote_text
from shopwright.simulate.catalog import CURRENCY
from shopwright.simulate.events import EVENT_TYPES, FIRST_ORDER, GROUPS, KIND
from shopwright.simulate.traits.clicks import TrackedEvents
from shopwright.simulate.users import CHANNELS, CITIES, CITY_COUNTRY, COUNTRIES, DEVICES, SEGMENTS
from shopwright.simulate.writers.fields import Field, item, money, or_bad_timestamp, timestamp_field, unless
from shopwright.simulate.writers.ids import session_ids, visitor_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shopwright.simulate.arrays import Texts
    from shopwright.simulate.catalog import Catalog
    from shopwright.simulate.dirt import Rows
    from shopwright.simulate.events import Events
    from shopwright.simulate.users import Profiles, Users

BLANK_TYPES = ["", " ", "  "]


def _properties(price: str, quantity: str, others: Mapping[str, str]) -> str:
    """Return SQL of the properties object; ``details`` is its beginning, ready made."""
    additions = "".join(
        f"|| coalesce(',{json.dumps(name)}:' || ({sql})::VARCHAR, '') " for name, sql in others.items()
    )
    return (
        f"'{{' || details || CASE WHEN cents >= 0 THEN ',\"price\":' || ({price})::VARCHAR ELSE '' END "
        f"|| CASE WHEN quantity >= 0 THEN ',\"quantity\":' || ({quantity})::VARCHAR ELSE '' END "
        f"|| CASE WHEN kind = {KIND['purchase']} THEN ',\"order_id\":\"o' || (session + {FIRST_ORDER})::VARCHAR || '\"' "
        f"ELSE '' END {additions}|| '}}'"
    )


def event_fields(seed: int, properties: Mapping[str, str], *, is_dirty: bool) -> list[Field]:
    """Return fields of one event.

    Args:
        seed: that of the shop.
        properties: SQL of properties as JSON spells them, which replace or follow the plain ones.
        is_dirty: whether some rows have faults.
    """
    at, kind, user, price = (
        timestamp_field("timestamp", "ms"),
        item(EVENT_TYPES, "kind"),
        "'u' || user_id",
        properties.get("price", money("cents")),
    )
    if is_dirty:
        at = or_bad_timestamp(at, "number")
        blank = f"({quote_list(BLANK_TYPES)})[number % {len(BLANK_TYPES)} + 1]"
        kind = unless("missing_event_type", blank, kind)
        user, price = (
            unless("missing_user", "NULL", user),
            unless("negative_price", f"'-' || {price}" if "price" in properties else f"-{price}", price),
        )
    quantity = properties.get("quantity", "quantity")
    others = {name: sql for name, sql in properties.items() if name not in ("price", "quantity")}
    return [
        Field("event_id", f"md5('{int(seed)}:' || number)"),
        Field("event_type", kind),
        at,
        Field("user_id", user),
        Field("session_id", "session_id"),
        Field("device", item(DEVICES, "device")),
        Field("country", item(COUNTRIES, "country")),
        Field("channel", item(CHANNELS, "channel")),
        Field(
            "experiment_group", f"CASE WHEN experiment_group > 0 THEN {item(GROUPS, 'experiment_group')} END"
        ),
        Field("properties", _properties(price, quantity, others), is_quoted=False),
    ]


def event_columns(rows: Rows, seed: int, users: Users, details: Texts) -> dict[str, Any]:
    """Return the arrays that the events query prints, one entry a row."""
    events = rows.events
    return {
        "number": rows.number,
        "ms": events.at,
        "kind": events.kind,
        "user_id": users.number[events.user],
        "session": events.session,
        "session_id": session_ids(seed, events.session),
        "device": events.device,
        "country": events.country,
        "channel": events.channel,
        "experiment_group": events.group,
        "details": _details_of(rows, details),
        "cents": events.cents,
        "quantity": events.quantity,
        "fault": rows.fault,
        **_tracked_columns(events, seed),
    }


def _tracked_columns(events: Events, seed: int) -> dict[str, Any]:
    """Return what an ordinary tracker says beside."""
    if not isinstance(events, TrackedEvents):
        return {}
    return {
        "product": events.product,
        "visitor_id": visitor_ids(seed, events.visitor),
        "is_known": events.is_known,
    }


def details_table(catalog: Catalog) -> Texts:
    """Return what events say about what they are about, as the inside of a JSON object.

    Returns:
        For each product, what an event about it, a search for it and a list page with it say; then the landing page
        and the checkout. Shape (3 products + 2,).
    """
    paths = [catalog.category_paths[category] for category in catalog.category]
    product_details = [
        {"product_id": str(number), "category": path} | ({"brand": brand} if brand else {})
        for number, path, brand in zip(catalog.number, paths, catalog.brand, strict=True)
    ]
    searches = [
        {"query": f"{brand} {path.rsplit('.', 1)[-1].replace('_', ' ')}".strip()}
        for path, brand in zip(paths, catalog.brand, strict=True)
    ]
    lists = [{"page": f"/category/{path.replace('.', '/')}"} for path in paths]
    pages = [{"page": "/"}, {"page": "/checkout"}]
    table = np.empty(3 * catalog.size + 2, dtype=object)
    table[:] = [_inside(item) for item in (*product_details, *searches, *lists, *pages)]
    return table


def _inside(item: dict[str, str]) -> str:
    return json.dumps(item, separators=(",", ":"), ensure_ascii=False)[1:-1]


def _details_of(rows: Rows, details: Texts) -> Texts:
    events, size = rows.events, len(details) // 3
    shelf = np.full(len(KIND), 0)
    shelf[KIND["search"]], shelf[KIND["page_view"]] = size, 2 * size
    position = events.product + shelf[events.kind]
    without_product = events.product < 0
    position[without_product] = 3 * size + (events.kind[without_product] == KIND["begin_checkout"])
    texts: Texts = details[position]
    return texts


CATALOG_FIELDS = [
    Field("product_id", "product_id::VARCHAR"),
    Field("name", "name"),
    Field("category", "category"),
    Field("brand", "nullif(brand, '')"),
    Field("price", money("cents"), is_quoted=False),
    Field("currency", quote_text(CURRENCY)),
    timestamp_field("updated_at", "since"),
]


def catalog_columns(catalog: Catalog) -> dict[str, Any]:
    """Return the arrays that the catalog query prints, one entry a price of a product."""
    product = catalog.versions.owner
    return {
        "product": product,
        "product_id": catalog.number[product],
        "name": catalog.names()[product],
        "category": np.array(catalog.category_paths, dtype=object)[catalog.category[product]],
        "brand": catalog.brand[product],
        "cents": catalog.cents,
        "since": catalog.versions.since,
    }


USER_FIELDS = [
    Field("user_id", "'u' || user_id"),
    timestamp_field("signed_up_at", "arrived"),
    Field("country", item(COUNTRIES, "country")),
    Field("city", item(tuple(name for name, _ in CITIES), "city")),
    Field("segment", item(SEGMENTS, "segment")),
    Field("is_subscribed", "is_subscribed = 1", is_quoted=False),
    timestamp_field("updated_at", "since"),
]


def user_columns(users: Users, profiles: Profiles) -> dict[str, Any]:
    """Return the arrays that the profiles query prints, one entry a version."""
    user = profiles.versions.owner
    return {
        "user_id": users.number[user],
        "arrived": users.arrived[user],
        "country": CITY_COUNTRY[profiles.city],
        "city": profiles.city,
        "segment": profiles.segment,
        "is_subscribed": profiles.is_subscribed,
        "since": profiles.versions.since,
    }
