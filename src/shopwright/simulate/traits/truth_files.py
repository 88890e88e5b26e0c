"""The Parquet files that say what is right about an ordinary export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.simulate.traits.money import FINE, is_in_group
from shopwright.simulate.traits.order_truth import AMOUNTS, ORDERS_FILE, REFUND_AMOUNTS, REFUNDS_FILE
from shopwright.simulate.traits.people import PERSONS_FILE, PURCHASES_FILE, SESSIONS_FILE
from shopwright.simulate.traits.records import CURRENCIES
from shopwright.simulate.users import CITIES, SEGMENTS
from shopwright.simulate.writers.fields import item, money

if TYPE_CHECKING:
    from shopwright.simulate.config import SimulationConfig
    from shopwright.simulate.shop import Shop

PRODUCTS_FILE = "truth/products.parquet"
"""One row per product as its last version has it: product_id, price."""
CUSTOMERS_FILE = "truth/customers.parquet"
"""One row per user as the last version of the profile has it: user_id, city, segment, is_subscribed."""


def _timestamp(column: str) -> str:
    return f"make_timestamp({column} * 1000) AS {column}"


def _amounts(names: tuple[str, ...]) -> str:
    return ", ".join(
        f"({name}::DECIMAL(18, 0) * 0.0001::DECIMAL(5, 4))::DECIMAL(18, 4) AS {name}" for name in names
    )


SELECTS = {
    PERSONS_FILE: "SELECT visitor_id, user_id, event_count, stitched_count FROM columns",
    SESSIONS_FILE: f"SELECT user_id, {_timestamp('session_start_at')}, {_timestamp('session_end_at')}, event_count, "
    "purchase_count, order_count FROM columns",
    PURCHASES_FILE: f"SELECT user_id, order_id, product_id::VARCHAR AS product_id, {_timestamp('purchased_at')}, "
    f"quantity * {money('cents')} AS amount FROM columns",
    ORDERS_FILE: f"SELECT order_id, customer_id, {_timestamp('ordered_at')}, is_test, is_canceled, {_amounts(AMOUNTS)}, "
    f"{item(CURRENCIES, 'currency')} AS presentment_currency, {_amounts(('presentment_total_amount',))} FROM columns",
    REFUNDS_FILE: "SELECT DATE '1970-01-01' + day::INTEGER AS refund_date, refund_count, "
    f"{_amounts(REFUND_AMOUNTS)} FROM columns",
    PRODUCTS_FILE: "SELECT product_id::VARCHAR AS product_id, micro::DECIMAL(18, 0) * 0.000001::DECIMAL(7, 6) AS price "
    "FROM columns",
    CUSTOMERS_FILE: f"SELECT 'u' || number AS user_id, {item(tuple(name for name, _ in CITIES), 'city')} AS city, "
    f"{item(SEGMENTS, 'segment')} AS segment, is_subscribed = 1 AS is_subscribed FROM columns",
}
"""Query that prints each file from its columns."""


def truth_files(config: SimulationConfig) -> list[str]:
    """Return names of the files that a shop with traits has."""
    if not config.traits:
        return []
    of_orders = {ORDERS_FILE, REFUNDS_FILE}
    return [name for name in SELECTS if config.format == "marketplace" or name not in of_orders]


def reference_truth(shop: Shop) -> dict[str, dict[str, Any]]:
    """Return the columns of the files about products and customers."""
    prices, profiles = shop.catalog.versions.owner, shop.profiles
    last_price, last_profile = _last_rows(prices), _last_rows(profiles.versions.owner)
    is_fine = is_in_group(prices[last_price], FINE) & ("fine-prices" in shop.config.traits)
    return {
        PRODUCTS_FILE: {
            "product_id": shop.catalog.number[prices[last_price]],
            "micro": shop.catalog.cents[last_price].astype(np.int64) * np.where(is_fine, 10, 10_000),
        },
        CUSTOMERS_FILE: {
            "number": shop.users.number[profiles.versions.owner[last_profile]],
            "city": profiles.city[last_profile],
            "segment": profiles.segment[last_profile],
            "is_subscribed": profiles.is_subscribed[last_profile],
        },
    }


def _last_rows(owner: Any) -> Any:
    return np.flatnonzero(np.append(owner[1:] != owner[:-1], True))
