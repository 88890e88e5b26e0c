"""What a reader of the published database can see: hashed customers that still join, and nothing that no mapping names."""

from __future__ import annotations

import json

import duckdb
import pytest

from shopwright.testing import Shop
from shopwright.warehouse.build import build

MARKER = "Zanzibar"
"""In every value that must not be published."""

SETTINGS = """
[shop]
{publish}

[[sources]]
name = "shop"
adapter = "mapped"
entity = "orders"
path = "raw/orders"
privacy = {{ customer_id = "hash", ship_city = "drop" }}
[sources.map]
order_id = "order_id"
ordered_at = "at"
customer_id = "mail"
total_amount = "total"
ship_city = "town"

[[sources]]
name = "lines"
adapter = "mapped"
entity = "order_items"
path = "raw/lines"
[sources.map]
order_id = "order_id"
product_id = "sku"
quantity = "qty"
unit_price = "price"
kind = {{ value = "sale" }}

[[sources]]
name = "crm"
adapter = "mapped"
entity = "customers"
path = "raw/crm"
privacy = {{ customer_id = "hash", city = "drop" }}
[sources.map]
customer_id = "email"
country = "country"
city = "town"

[[sources]]
name = "web"
adapter = "event_stream"
path = "raw/web"
privacy = {{ user_id = "hash", customer_id = "hash" }}
"""

FILES = {
    "orders/a.csv": "order_id,at,mail,total,town,memo\n"
    f"1,2025-03-01,ADA@{MARKER}.test,10,{MARKER},{MARKER} 1\n2,2025-03-02,bob@{MARKER}.test,20,x,{MARKER} 2\n"
    f"3,soon,eve@{MARKER}.test,20,x,{MARKER} 3\n",
    "lines/a.csv": f"order_id,sku,qty,price,memo\n1,p,1,10,{MARKER} 4\n2,p,2,10,{MARKER} 5\n2,p,2,10,{MARKER} 5\n",
    "crm/a.csv": f"email,country,town,memo\nada@{MARKER}.test,DE,{MARKER},{MARKER} 6\nBOB@{MARKER}.test,FR,y,{MARKER} 7\n",
    "web/events.jsonl": json.dumps(
        {
            "time": "2025-03-01T10:00:00Z",
            "type": "product_view",
            "user_id": f"ada@{MARKER}.test",
            "product_id": "p",
            "memo": f"{MARKER} 8",
        }
    ),
    "web/consents.jsonl": "\n".join(
        json.dumps(
            {"customer_id": f"Bob@{MARKER}.test", "channel": channel, "granted": given, "updated_at": day}
        )
        for channel, given, day in (
            ("email", True, "2025-03-01"),
            ("email", False, "2025-03-03"),
            ("email", True, "2025-03-02"),
            ("fax", True, "2025-03-01"),
            ("ads", True, "2025-03-01"),
        )
    ),
    "web/products.jsonl": json.dumps({"product_id": "p", "name": "Pot", "memo": f"{MARKER} 9"}),
}


def texts(project):
    """Return the text columns of all tables and views of the published database that have the marker, with their schema."""
    with duckdb.connect(str(project.published), read_only=True) as connection:
        columns = connection.execute(
            "select table_schema, table_name, column_name from information_schema.columns "
            "where table_schema in (select schema_name from duckdb_schemas() where not internal or schema_name = 'main')"
        ).fetchall()
        assert {"bronze", "silver", "gold"} <= {schema for schema, _, _ in columns}
        return {
            (schema, table, column)
            for schema, table, column in columns
            if connection.execute(
                f'select count(*) from "{schema}"."{table}" where contains(lower("{column}"::varchar), ?)',
                [MARKER.lower()],
            ).fetchone()[0]
        }


def shop_of(root, publish=""):
    shop = Shop.make(root, SETTINGS.format(publish=publish))
    for name, text in FILES.items():
        shop.write(name, text)
    shop.ingest()
    return shop


@pytest.mark.slow
def test_hashed_customers_join_and_nothing_unmapped_is_published(tmp_path):
    shop = shop_of(tmp_path)
    build(shop.project)
    assert texts(shop.project) == set()
    with duckdb.connect(str(shop.project.published), read_only=True) as connection:
        rows = connection.execute(
            "select orders.order_id, users.country, length(users.user_id) from gold.fct_orders as orders "
            "inner join gold.dim_users as users on orders.customer_id = users.user_id order by all"
        ).fetchall()
        ids = connection.execute("select count(event_id) from silver.stg_events").fetchone()
        people = connection.execute("select count(distinct user_id) from gold.dim_users").fetchone()
        consents = connection.execute(
            "select users.country, channel, is_given from gold.fct_customer_consents "
            "inner join gold.dim_users as users using (user_id) order by all"
        ).fetchall()
    assert consents == [("FR", "ads", True), ("FR", "email", False)]
    assert rows == [("1", "DE", 32), ("2", "FR", 32)]
    assert ids == (1,)
    assert people == (2,)


@pytest.mark.slow
def test_unmapped_values_are_published_where_the_shop_asks(tmp_path):
    shop = shop_of(tmp_path, "publish_unmapped = true")
    build(shop.project)
    columns = texts(shop.project)
    tables = {table for _, table, _ in columns}
    assert {
        "stg_orders",
        "stg_order_items",
        "stg_users",
        "stg_events",
        "stg_products",
        "quarantine",
    } <= tables
    assert "gold" not in {schema for schema, _, _ in columns}
