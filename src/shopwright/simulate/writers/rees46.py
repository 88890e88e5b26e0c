"""The click-only export: one CSV a month with nine columns, whole seconds, empty text for what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from shopwright.core.sql import quote_list
from shopwright.simulate.dirt import CODE
from shopwright.simulate.events import EVENT_TYPES
from shopwright.simulate.writers.ids import session_ids

if TYPE_CHECKING:
    from shopwright.simulate.arrays import Texts
    from shopwright.simulate.catalog import Catalog
    from shopwright.simulate.dirt import Rows
    from shopwright.simulate.users import Users

NAMES = {
    "product_view": "view",
    "add_to_cart": "cart",
    "remove_from_cart": "remove_from_cart",
    "purchase": "purchase",
}
"""The export's word for each event type it has."""
NO_TIMES = [
    "not a time",
    "",
    "1970-01-01 00:00:00 UTC",
    "2999-12-31 23:59:59 UTC",
    "2025-02-30 27:61:00 UTC",
]
BLANK_TYPES = ["", " ", "  "]

_TIME = "strftime(make_timestamp(ms * 1000), '%Y-%m-%d %H:%M:%S UTC')"
_TYPE = f"({quote_list([NAMES.get(name, '') for name in EVENT_TYPES])})[kind + 1]"
_PRICE = "cents::DECIMAL(12, 0) * 0.01::DECIMAL(3, 2)"
_PRODUCT_COLUMNS = "product_id, category_id, category_code, brand"

SELECT = (
    f"SELECT {_TIME} AS event_time, {_TYPE} AS event_type, {_PRODUCT_COLUMNS}, {_PRICE} AS price, user_id, user_session "
    "FROM columns"
)
DIRTY_SELECT = f"""
    SELECT
        CASE WHEN fault = {CODE["bad_timestamp"]}
            THEN ({quote_list(NO_TIMES)})[number % {len(NO_TIMES)} + 1] ELSE {_TIME} END AS event_time,
        CASE WHEN fault = {CODE["missing_event_type"]}
            THEN ({quote_list(BLANK_TYPES)})[number % {len(BLANK_TYPES)} + 1] ELSE {_TYPE} END AS event_type,
        {_PRODUCT_COLUMNS},
        CASE WHEN fault = {CODE["negative_price"]} THEN -({_PRICE}) ELSE {_PRICE} END AS price,
        CASE WHEN fault <> {CODE["missing_user"]} THEN user_id END AS user_id,
        user_session
    FROM columns
"""


def columns(rows: Rows, seed: int, users: Users, catalog: Catalog, category_codes: Texts) -> dict[str, Any]:
    """Return the arrays that the query prints, one entry a row."""
    events = rows.events
    return {
        "ms": events.at,
        "kind": events.kind,
        "product_id": catalog.number[events.product],
        "category_id": catalog.category_numbers[catalog.category[events.product]],
        "category_code": category_codes[events.product],
        "brand": catalog.brand[events.product],
        "cents": events.cents,
        "user_id": users.number[events.user],
        "user_session": session_ids(seed, events.session),
        "number": rows.number,
        "fault": rows.fault,
    }


def category_codes(catalog: Catalog) -> Texts:
    """Return the category path of each product, empty where this export leaves it out."""
    paths = np.array(catalog.category_paths, dtype=object)[catalog.category]
    paths[catalog.has_category_code == 0] = ""
    return paths
