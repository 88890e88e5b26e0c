"""The Brazilian marketplace data set of Olist: nine CSV files, identified by their names.

Format: https://www.kaggle.com/datasets/olistbr/brazilian-ecommerce. The files are loaded as they are: category names
stay Portuguese (``categories`` has their translation), misspelled columns keep their names in ``properties``, and
``customer_id`` is a customer made for one order, whose person is ``customer_unique_id``. Times have no zone and are read
in that of the source; with the shop in the same zone, days are those of the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shopwright.contracts import BY_NAME
from shopwright.core.errors import SourceFileError, near_match
from shopwright.ingest.adapters.mapping import (
    Adapter,
    Field,
    FileKind,
    Mapping,
    column,
    states_whole_orders,
)

if TYPE_CHECKING:
    from collections.abc import Mapping as MappingABC

    from shopwright.settings import SourceSettings


@dataclass(frozen=True, slots=True)
class _File:
    """One file of the data set."""

    entity: str
    fields: MappingABC[str, Field]


def _constant(value: str) -> Field:
    return Field(constant=value)


FILES: dict[str, _File] = {
    "olist_orders_dataset.csv": _File(
        "orders",
        {
            "order_id": column("order_id"),
            "customer_id": column("customer_id"),
            "status": column("order_status"),
            "ordered_at": column("order_purchase_timestamp"),
            "approved_at": column("order_approved_at"),
            "shipped_at": column("order_delivered_carrier_date"),
            "delivered_at": column("order_delivered_customer_date"),
            "promised_at": column("order_estimated_delivery_date"),
        },
    ),
    "olist_order_items_dataset.csv": _File(
        "order_items",
        {
            "order_id": column("order_id"),
            "line_number": column("order_item_id"),
            "product_id": column("product_id"),
            "seller_id": column("seller_id"),
            "kind": _constant("sale"),
            "kind_rule": _constant("item"),
            "quantity": _constant("1"),
            "unit_price": column("price"),
            "freight": column("freight_value"),
        },
    ),
    "olist_order_payments_dataset.csv": _File(
        "payments",
        {
            "order_id": column("order_id"),
            "sequence": column("payment_sequential"),
            "method": column("payment_type"),
            "installments": column("payment_installments"),
            "amount": column("payment_value"),
        },
    ),
    "olist_order_reviews_dataset.csv": _File(
        "reviews",
        {
            "review_id": column("review_id"),
            "order_id": column("order_id"),
            "score": column("review_score"),
            "created_at": column("review_creation_date"),
            "answered_at": column("review_answer_timestamp"),
        },
    ),
    "olist_customers_dataset.csv": _File(
        "customers",
        {
            "customer_id": column("customer_id"),
            "person_id": column("customer_unique_id"),
            "zip_prefix": column("customer_zip_code_prefix"),
            "city": column("customer_city"),
            "region": column("customer_state"),
            "country": _constant("BR"),
        },
    ),
    "olist_products_dataset.csv": _File(
        "products",
        {"product_id": column("product_id"), "category": column("product_category_name")},
    ),
    "product_category_name_translation.csv": _File(
        "categories",
        {"category": column("product_category_name"), "name": column("product_category_name_english")},
    ),
    "olist_sellers_dataset.csv": _File(
        "sellers",
        {
            "seller_id": column("seller_id"),
            "zip_prefix": column("seller_zip_code_prefix"),
            "city": column("seller_city"),
            "region": column("seller_state"),
            "country": _constant("BR"),
        },
    ),
    "olist_geolocation_dataset.csv": _File(
        "places",
        {
            "zip_prefix": column("geolocation_zip_code_prefix"),
            "latitude": column("geolocation_lat"),
            "longitude": column("geolocation_lng"),
            "city": column("geolocation_city"),
            "region": column("geolocation_state"),
            "country": _constant("BR"),
        },
    ),
}
"""The nine files by name, without compression; other columns go to ``properties``."""


def _mapping_for(source: SourceSettings, file_name: str) -> Mapping:
    name = file_name.rsplit("/", 1)[-1].casefold()
    if name not in FILES:
        raise SourceFileError(
            file_name,
            f"is not one of the data set's nine files{near_match(name, FILES)} ({', '.join(FILES)})",
        )
    file = FILES[name]
    return Mapping(
        entity=BY_NAME[file.entity],
        kind=FileKind.CSV,
        fields=file.fields,
        required_columns=tuple(name for item in file.fields.values() for name in item.columns),
        timestamp_formats=source.timestamp_formats or ("%Y-%m-%d %H:%M:%S",),
        timezone=source.timezone,
        encoding=source.encoding,
        states_whole_orders=states_whole_orders(source, BY_NAME[file.entity]),
    )


OLIST = Adapter(
    "olist",
    "the nine CSV files of the Olist marketplace data set",
    _mapping_for,
    has_events=False,
    entities=tuple(dict.fromkeys(file.entity for file in FILES.values())),
)
