"""REES46 clickstream: monthly CSV files of views, carts and purchases.

Format: https://rees46.com/en/datasets (column list of the eCommerce behavior data set). Times end in `` UTC``,
``category_id`` has 19 digits (text here, since a float would lose the last ones), category code and brand are often
empty, and some prices are zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shopwright.contracts import BY_NAME
from shopwright.ingest.adapters.mapping import Adapter, FileKind, Mapping, column

if TYPE_CHECKING:
    from shopwright.settings import SourceSettings

COLUMNS = (
    "event_time",
    "event_type",
    "product_id",
    "category_id",
    "category_code",
    "brand",
    "price",
    "user_id",
    "user_session",
)

MAPPING = Mapping(
    entity=BY_NAME["events"],
    kind=FileKind.CSV,
    required_columns=COLUMNS,
    timestamp_formats=("%Y-%m-%d %H:%M:%S UTC",),
    trims=False,
    fields={
        "event_at": column("event_time"),
        "event_type": column("event_type", values={"view": "product_view", "cart": "add_to_cart"}),
        "user_id": column("user_id"),
        "session_hint": column("user_session"),
        "product_id": column("product_id"),
        "category_id": column("category_id"),
        "category": column("category_code"),
        "brand": column("brand"),
        "price": column("price"),
    },
)


def _mapping_for(source: SourceSettings, file_name: str) -> Mapping:
    del source, file_name
    return MAPPING


REES46 = Adapter("rees46", "clickstream CSV of REES46 shops", _mapping_for, entities=("events",))
