"""The order side's files: orders, their lines, payments, reviews and sellers, as JSON lines or Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.simulate.events import FIRST_ORDER
from shopwright.simulate.sales.places import REGIONS, zip_numbers
from shopwright.simulate.sales.records import (
    LINE_KIND,
    METHODS,
    STATES,
    Lines,
    Orders,
    Payments,
    Records,
    Reviews,
)
from shopwright.simulate.traits.fields import REFUND
from shopwright.simulate.traits.records import ADDED_COLUMNS, Refunds
from shopwright.simulate.users import CITIES, CITY_COUNTRY, COUNTRIES
from shopwright.simulate.writers.fields import (
    Field,
    item,
    money,
    optional_timestamp_field,
    or_bad_timestamp,
    timestamp_field,
    unless,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from shopwright.simulate.arrays import Ints
    from shopwright.simulate.catalog import Catalog
    from shopwright.simulate.sales.sellers import Sellers
    from shopwright.simulate.users import Users

_ORDER_ID = Field("order_id", f"'o' || (order_number + {FIRST_ORDER})")


def _address_fields(prefix: str) -> list[Field]:
    """Return postal code, city, region and country of a city."""
    return [
        Field(f"{prefix}zip_prefix", "lpad(zip::VARCHAR, 5, '0')"),
        Field(f"{prefix}city", item(tuple(name for name, _ in CITIES), "city")),
        Field(f"{prefix}region", item(REGIONS, "city")),
        Field(f"{prefix}country", item(COUNTRIES, "country")),
    ]


FIELDS = {
    "orders": [
        _ORDER_ID,
        Field("customer_id", unless("missing_user", "NULL", "'u' || user_id")),
        Field("status", item(STATES, "state")),
        or_bad_timestamp(timestamp_field("ordered_at", "ordered"), "order_number"),
        *(optional_timestamp_field(f"{name}_at", name) for name in ("approved", "shipped", "delivered")),
        timestamp_field("promised_at", "promised"),
        *_address_fields("ship_"),
        timestamp_field("updated_at", "since"),
    ],
    "order_items": [
        _ORDER_ID,
        Field("line_number", "line_number", is_quoted=False),
        Field("product_id", "CASE WHEN product >= 0 THEN product::VARCHAR END"),
        Field("seller_id", "CASE WHEN seller >= 0 THEN 's' || seller END"),
        Field("kind", item(tuple(LINE_KIND), "kind")),
        Field("quantity", "quantity", is_quoted=False),
        Field("unit_price", money("cents"), is_quoted=False),
        Field("freight", money("freight"), is_quoted=False),
    ],
    "payments": [
        _ORDER_ID,
        Field("sequence", "sequence", is_quoted=False),
        Field("method", item(METHODS, "method")),
        Field("installments", "installments", is_quoted=False),
        Field("amount", money("cents"), is_quoted=False),
        or_bad_timestamp(timestamp_field("paid_at", "paid"), "order_number"),
    ],
    "reviews": [
        Field("review_id", f"'r' || (order_number + {FIRST_ORDER})"),
        _ORDER_ID,
        Field("score", "score", is_quoted=False),
        or_bad_timestamp(timestamp_field("created_at", "created"), "order_number"),
        optional_timestamp_field("answered_at", "answered"),
    ],
    "refunds": list(REFUND),
    "sellers": [
        Field("seller_id", "'s' || seller"),
        *_address_fields(""),
        timestamp_field("updated_at", "since"),
    ],
}
"""Fields of one row, by entity."""


class SalesColumns:
    """The arrays that the queries print, one entry a row."""

    def __init__(self, users: Users, catalog: Catalog, sellers: Sellers) -> None:
        self._users, self._catalog, self._sellers = users, catalog, sellers
        self._by_type: dict[type[Records], Callable[[Any], dict[str, Any]]] = {
            Orders: self._orders,
            Lines: self._lines,
            Payments: self._payments,
            Reviews: self._reviews,
            Refunds: self._refunds,
        }

    def columns_for(self, rows: Records) -> dict[str, Any]:
        """Return columns of orders, lines, payments or reviews."""
        plain = next(columns for table, columns in self._by_type.items() if isinstance(rows, table))
        return {"order_number": rows.order, "fault": rows.fault, **plain(rows), **_added_columns(rows)}

    def sellers(self) -> dict[str, Any]:
        """Return columns of the sellers."""
        sellers = self._sellers
        return {
            "seller": sellers.number,
            "since": sellers.since,
            **_address_columns(sellers.city, sellers.number),
        }

    def _orders(self, orders: Orders) -> dict[str, Any]:
        number = self._users.number[orders.user]
        steps = {name: getattr(orders, name) for name in ("approved", "shipped", "delivered")}
        return {
            "user_id": number,
            "state": orders.state,
            "ordered": orders.at,
            **{name: np.where(times < orders.since, times, -1) for name, times in steps.items()},
            "promised": orders.promised,
            "since": orders.since,
            **_address_columns(orders.city, number),
        }

    def _lines(self, lines: Lines) -> dict[str, Any]:
        return {
            "line_number": lines.number,
            "product": np.where(lines.product >= 0, self._catalog.number[lines.product], -1),
            "seller": np.where(lines.seller >= 0, self._sellers.number[lines.seller], -1),
            "kind": lines.kind,
            "quantity": lines.quantity,
            "cents": lines.cents,
            "freight": lines.freight,
        }

    def _payments(self, payments: Payments) -> dict[str, Any]:
        return {
            "sequence": payments.sequence,
            "method": payments.method,
            "installments": payments.installments,
            "cents": payments.cents,
            "paid": payments.at,
        }

    def _refunds(self, refunds: Refunds) -> dict[str, Any]:
        return {
            "product": np.where(refunds.product >= 0, self._catalog.number[refunds.product], -1),
            "refunded": refunds.at,
            **{
                name: getattr(refunds, name) for name in ("line", "milli", "amount", "shipping", "adjustment")
            },
        }

    def _reviews(self, reviews: Reviews) -> dict[str, Any]:
        return {"score": reviews.score, "created": reviews.created, "answered": reviews.answered}


def _added_columns(rows: Records) -> dict[str, Any]:
    """Return what a trait has added to the rows."""
    names = ADDED_COLUMNS.get(type(rows), ())
    return {name: getattr(rows, name) for name in names}


def _address_columns(city: Ints, tail: Ints) -> dict[str, Any]:
    return {"city": city, "country": CITY_COUNTRY[city], "zip": zip_numbers(city, tail)}
