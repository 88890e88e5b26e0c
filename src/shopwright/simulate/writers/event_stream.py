"""The product-analytics export: events, a catalog and user profiles, as JSON lines or Parquet.

Each field is stated once, with what it is in a typed file and how JSON spells it. No value holds a character that
JSON would escape, but for product texts, which arrive escaped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.contracts.behaviour import EVENT_TYPES
from shopwright.core.sql import quote_list, quote_name, quote_text
from shopwright.simulate.catalog import CURRENCY
from shopwright.simulate.dirt import CODE
from shopwright.simulate.events import GROUPS, KIND
from shopwright.simulate.users import CHANNELS, CITIES, CITY_COUNTRY, COUNTRIES, DEVICES, SEGMENTS
from shopwright.simulate.writers.ids import session_ids

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Texts
    from shopwright.simulate.catalog import Catalog
    from shopwright.simulate.dirt import Rows
    from shopwright.simulate.users import Profiles, Users

NO_TIMES = [
    "not a time",
    "",
    "1970-01-01T00:00:00.000Z",
    "2999-12-31T23:59:59.000Z",
    "2025-02-30T27:61:00.000Z",
]
NO_TYPED_TIMES = "[NULL, TIMESTAMP '1970-01-01', TIMESTAMP '2999-12-31 23:59:59']"
UNKNOWN_TYPES = ["hover", "wishlist_share", "refund_request"]


@dataclass(frozen=True)
class Field:
    """One field of a row; a null is an absent key."""

    name: str
    typed: str
    """SQL of the value in a typed file."""
    text: str | None = None
    """SQL of the value as JSON spells it, without quotes, where it differs."""
    is_quoted: bool = True

    def json(self, comma: str) -> str:
        """SQL of the key and the value, or of nothing where the value is null."""
        quote = '"' if self.is_quoted else ""
        head, value = quote_text(f'{comma}"{self.name}":{quote}'), f"({self.text or self.typed})::VARCHAR"
        return f"coalesce({head} || {value} || '{quote}', '')"


def json_select(fields: list[Field]) -> str:
    """Query that prints each row as one JSON object; the first field is never null."""
    parts = [field.json("," if position else "") for position, field in enumerate(fields)]
    return f"SELECT '{{' || {' || '.join(parts)} || '}}' AS line FROM columns"


def typed_select(fields: list[Field]) -> str:
    """Query with one typed column a field."""
    return (
        f"SELECT {', '.join(f'{field.typed} AS {quote_name(field.name)}' for field in fields)} FROM columns"
    )


def _moment(name: str, column: str) -> Field:
    time = f"make_timestamp({column} * 1000)"
    return Field(name, time, f"strftime({time}, '%Y-%m-%dT%H:%M:%S.%gZ')")


def _item(values: tuple[str, ...], column: str) -> str:
    return f"({quote_list(list(values))})[{column} + 1]"


def _money(column: str) -> str:
    return f"({column}::DECIMAL(12, 0) * 0.01::DECIMAL(3, 2))"


def _properties(price: str) -> str:
    """SQL of the properties object; ``details`` is its beginning, ready made."""
    return (
        f"'{{' || details || CASE WHEN cents >= 0 THEN ',\"price\":' || ({price})::VARCHAR ELSE '' END "
        "|| CASE WHEN quantity >= 0 THEN ',\"quantity\":' || quantity::VARCHAR ELSE '' END "
        f"|| CASE WHEN kind = {KIND['purchase']} THEN ',\"order_id\":\"o' || (session + 100000000)::VARCHAR || '\"' "
        "ELSE '' END || '}'"
    )


def event_fields(seed: int, *, is_dirty: bool) -> list[Field]:
    """Fields of one event."""
    at, kind, user, price = (
        _moment("timestamp", "ms"),
        _item(EVENT_TYPES, "kind"),
        "'u' || user_id",
        _money("cents"),
    )
    if is_dirty:
        at = Field(
            "timestamp",
            _unless("bad_timestamp", f"({NO_TYPED_TIMES})[number % 3 + 1]", at.typed),
            _unless("bad_timestamp", f"({quote_list(NO_TIMES)})[number % {len(NO_TIMES)} + 1]", str(at.text)),
        )
        unknown = f"({quote_list(UNKNOWN_TYPES)})[number % {len(UNKNOWN_TYPES)} + 1]"
        kind = _unless("unknown_event_type", unknown, kind)
        user, price = _unless("missing_user", "NULL", user), _unless("negative_price", f"-{price}", price)
    return [
        Field("event_id", f"md5('{int(seed)}:' || number)"),
        Field("event_type", kind),
        at,
        Field("user_id", user),
        Field("session_id", "session_id"),
        Field("device", _item(DEVICES, "device")),
        Field("country", _item(COUNTRIES, "country")),
        Field("channel", _item(CHANNELS, "channel")),
        Field(
            "experiment_group", f"CASE WHEN experiment_group > 0 THEN {_item(GROUPS, 'experiment_group')} END"
        ),
        Field("properties", _properties(price), is_quoted=False),
    ]


def _unless(fault: str, broken: str, sound: str) -> str:
    return f"CASE WHEN fault = {CODE[fault]} THEN {broken} ELSE {sound} END"


def event_columns(rows: Rows, seed: int, users: Users, details: Texts) -> dict[str, Any]:
    """The arrays that the events query prints, one entry a row."""
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
    }


def details_table(catalog: Catalog) -> Texts:
    """What events say about what they are about, as the inside of a JSON object.

    Returns:
        For each product, what an event about it, a search for it and a list page with it say; then the landing page
        and the checkout. Shape (3 products + 2,).
    """
    paths = [catalog.category_paths[category] for category in catalog.category]
    about = [
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
    table[:] = [_inside(item) for item in (*about, *searches, *lists, *pages)]
    return table


def _inside(item: dict[str, str]) -> str:
    return json.dumps(item, separators=(",", ":"), ensure_ascii=False)[1:-1]


def _details_of(rows: Rows, details: Texts) -> Texts:
    events, size = rows.events, len(details) // 3
    shelf = np.full(len(KIND), 0)
    shelf[KIND["search"]], shelf[KIND["page_view"]] = size, 2 * size
    position = events.product + shelf[events.kind]
    alone = events.product < 0
    position[alone] = 3 * size + (events.kind[alone] == KIND["begin_checkout"])
    found: Texts = details[position]
    return found


CATALOG_FIELDS = [
    Field("product_id", "product_id::VARCHAR"),
    Field("name", "name"),
    Field("category", "category"),
    Field("brand", "nullif(brand, '')"),
    Field("price", _money("cents"), is_quoted=False),
    Field("currency", quote_text(CURRENCY)),
    _moment("updated_at", "since"),
]


def catalog_columns(catalog: Catalog) -> dict[str, Any]:
    """The arrays that the catalog query prints, one entry a price of a product."""
    product = catalog.versions.owner
    return {
        "product_id": catalog.number[product],
        "name": catalog.names()[product],
        "category": np.array(catalog.category_paths, dtype=object)[catalog.category[product]],
        "brand": catalog.brand[product],
        "cents": catalog.cents,
        "since": catalog.versions.since,
    }


USER_FIELDS = [
    Field("user_id", "'u' || user_id"),
    _moment("signed_up_at", "arrived"),
    Field("country", _item(COUNTRIES, "country")),
    Field("city", _item(tuple(name for name, _ in CITIES), "city")),
    Field("segment", _item(SEGMENTS, "segment")),
    Field("is_subscribed", "is_subscribed = 1", is_quoted=False),
    _moment("updated_at", "since"),
]


def user_columns(users: Users, profiles: Profiles) -> dict[str, Any]:
    """The arrays that the profiles query prints, one entry a version."""
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
