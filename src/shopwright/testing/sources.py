"""Settings of sources that are read through the adapter ``mapped``, for tests of public data sets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shopwright.ingest.adapters.rees46 import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path


def headless_clicks(path: Path) -> str:
    """Return TOML of a source ``november``: clickstream of REES46 in a file without a header."""
    return f"""
[[sources]]
name = "november"
adapter = "mapped"
path = {json.dumps(str(path))}
header = false
columns = {json.dumps(COLUMNS)}
timestamp_formats = ["%Y-%m-%d %H:%M:%S UTC"]
[sources.map]
event_at = "event_time"
event_type = "event_type"
user_id = "user_id"
session_hint = "user_session"
product_id = "product_id"
category_id = "category_id"
category = "category_code"
brand = "brand"
price = "price"
[sources.event_types]
view = "product_view"
cart = "add_to_cart"
"""


def invoices_as_purchases(path: Path) -> str:
    """Return TOML of a source ``invoices``: lines of UCI invoices as purchase events of customers."""
    return f"""
[[sources]]
name = "invoices"
adapter = "mapped"
path = {json.dumps(str(path))}
[sources.map]
event_at = "InvoiceDate"
event_type = {{ value = "purchase" }}
user_id = "CustomerID"
order_id = "InvoiceNo"
product_id = "StockCode"
product_name = "Description"
quantity = "Quantity"
price = "UnitPrice"
country = "Country"
"""
